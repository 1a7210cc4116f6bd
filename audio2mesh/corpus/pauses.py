"""Pauses that the sound's energy shows, put into a sequence of phones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio2mesh.corpus.join import merge_silence
from audio2mesh.data.clips import find_pauses
from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.sound import SAMPLE_RATE

_SHORTEST = 0.16  # seconds; a stop consonant's closure is shorter
_KEPT = 0.03  # seconds at each side of a pause inside speech that stay with the phones there


def with_pauses(phones: Sequence[Phone], audio: np.ndarray) -> tuple[Phone, ...]:
    """The phones with silence wherever audio [S] is silent for longer than any stop consonant."""
    seconds = len(audio) / SAMPLE_RATE
    for start, end in find_pauses(audio):
        low = start + _KEPT if start > 0 else 0.0
        high = end - _KEPT if end < seconds - 0.01 else seconds
        if end - start >= _SHORTEST:
            phones = _silenced(phones, low, high)
    return merge_silence(phones)


def _silenced(phones: Sequence[Phone], start: float, end: float) -> list[Phone]:
    before = [Phone(p.label, p.start, min(p.end, start)) for p in phones if p.start < start]
    after = [Phone(p.label, max(p.start, end), p.end) for p in phones if p.end > end]
    return [*before, Phone(SILENCE, start, end), *after]
