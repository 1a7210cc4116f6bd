"""The prosody of a recording or of a part of it: values per frame of 10 ms, and events."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
SILENCE_DB = -60.0
"""The least `energy`."""

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Phrase:
    """Speech between two pauses."""

    start: float
    """seconds from the start of the recording"""
    end: float


@dataclass(frozen=True)
class Accent:
    """A vowel that stands out by pitch, loudness and length."""

    time: float
    """start of the vowel, seconds from the start of the recording"""
    prominence: float
    """standard deviations above the speaker's vowels so far"""


@dataclass(frozen=True)
class Prosody:
    """T frames; frame t of a recording covers the seconds from t/100 to (t+1)/100."""

    f0: Floats  # [T] Hz, nan where unvoiced
    pitch: Floats  # [T] semitones over the speaker's running median, nan where unvoiced
    energy: Floats  # [T] dB over the recording's running loud level: about 0, at least -60
    speaking: Bools  # [T] within a phrase
    phrases: tuple[Phrase, ...]  # that ended
    accents: tuple[Accent, ...]

    def __len__(self) -> int:
        return len(self.f0)


PER_FRAME = ("f0", "pitch", "energy", "speaking")
"""The arrays of a Prosody."""


def joined(pieces: Iterable[Prosody]) -> Prosody:
    """The successive pieces that a listener gave, one or more, as one."""
    pieces = [*pieces]
    return Prosody(
        **{name: np.concatenate([getattr(p, name) for p in pieces]) for name in PER_FRAME},
        phrases=tuple(chain.from_iterable(p.phrases for p in pieces)),
        accents=tuple(chain.from_iterable(p.accents for p in pieces)),
    )


def first_frames(prosody: Prosody, frames: int) -> Prosody:
    """The same with its first frames only, and with all events."""
    arrays = {name: getattr(prosody, name)[:frames] for name in PER_FRAME}
    return replace(prosody, **arrays)
