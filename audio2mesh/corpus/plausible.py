"""Whether an alignment can be right: words that were not said leave traces in it."""

from __future__ import annotations

import numpy as np

from audio2mesh.corpus.align import Alignment
from audio2mesh.data.phones import SILENCE

LOWEST_SCORE = -25.0
"""Mean log-likelihood per frame over all phones."""
LOWEST_STRETCH = -60.0
"""The same over the worst six phones in a row."""
LARGEST_SHORT_SHARE = 0.34
"""Share of phones as short as the aligner can make them, 30 ms."""
LONGEST_PHONE = 0.8
"""Seconds."""
RATES = (1.5, 20.0)
"""Phones per second of speech."""

_SHORT = 0.035
_STRETCH = 6


def implausible(alignment: Alignment) -> str | None:
    """What shows that the words do not fit the recording, or None."""
    spoken = [
        (phone.end - phone.start, score)
        for phone, score in zip(alignment.phones, alignment.scores, strict=True)
        if phone.label != SILENCE
    ]
    lengths, scores = np.array(spoken).T
    if np.average(scores, weights=lengths) < LOWEST_SCORE or _worst(scores) < LOWEST_STRETCH:
        return "the words do not sound like the recording"
    if (lengths < _SHORT).mean() >= LARGEST_SHORT_SHARE or lengths.max() > LONGEST_PHONE:
        return "phones of impossible length"
    if not RATES[0] <= len(lengths) / lengths.sum() <= RATES[1]:
        return "more or less text than the recording has time for"
    return None


def _worst(scores: np.ndarray) -> float:
    width = min(_STRETCH, len(scores))
    return float(np.convolve(scores, np.ones(width) / width, "valid").min())
