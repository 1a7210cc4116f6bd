"""A figure of one recording and its weight, and the figure of many recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """A mean over `weight` items: frames, phones, extrema, recordings."""

    value: np.ndarray | float
    weight: float


Scores = dict[str, Score]


def pool(scores: Sequence[Scores]) -> dict[str, np.ndarray]:
    """Weighted mean of each score over the recordings that have it; items count alike."""
    found: dict[str, list[Score]] = {}
    for recording in scores:
        for name, score in recording.items():
            if np.isfinite(score.value).all():
                found.setdefault(name, []).append(score)
    return {name: _mean(of_name) for name, of_name in found.items()}


def share(hits: Sequence[bool]) -> Score | None:
    """The share of hits; None where there was nothing to hit."""
    return Score(sum(hits) / len(hits), len(hits)) if len(hits) else None


def _mean(scores: Sequence[Score]) -> np.ndarray:
    total = sum(score.weight for score in scores)
    return np.asarray(sum(np.asarray(s.value, float) * (s.weight / total) for s in scores))
