"""A figure of one recording and its weight, and the figure of many recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """A mean over `weight` items: frames, phones, extrema, recordings."""

    value: np.ndarray | float
    weight: float


Scores = Mapping[str, Score]


def pool(scores: Sequence[Scores]) -> dict[str, np.ndarray]:
    """Weighted mean of each score over the recordings that have it; items count alike."""
    names = {name for recording in scores for name in recording}
    return {name: _mean([s[name] for s in scores if name in s]) for name in sorted(names)}


def share(hits: Sequence[bool]) -> Score | None:
    """The share of hits; None where there was nothing to hit."""
    return Score(sum(hits) / len(hits), len(hits)) if len(hits) else None


def _mean(scores: Sequence[Score]) -> np.ndarray:
    total = sum(score.weight for score in scores)
    return np.asarray(sum(np.asarray(s.value, float) * (s.weight / total) for s in scores))
