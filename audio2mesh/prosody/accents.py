"""Nuclei of syllables → those that stand out by pitch, loudness and length."""

from collections import deque
from dataclasses import dataclass
from math import sqrt

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Accent

AFTER = 10
"""Frames after a nucleus that are heard before it is judged."""
_BEFORE = 25  # frames before a nucleus in which its vowel may start
_FALL = 6.0  # dB under its nucleus to which a vowel reaches
_LEAST = 0.6  # prominence of an accent
_APART = 12  # frames at least between the starts of two accented vowels
_TOP, _DECLINATION, _DECLINED = 1.5, 1.0, 3.0
"""Semitones over the median at a phrase's start, their fall a second, and the seconds it lasts."""


@dataclass
class Normal:
    """Standard scores by running mean and variance; what is expected counts as much as `weight`
    values do. After 300 the oldest begin to be forgotten."""

    mean: float
    deviation: float
    weight: float = 8.0

    def __post_init__(self) -> None:
        self._variance = self.deviation**2

    def score(self, value: float) -> float:
        """How many standard deviations a value lies over those before it, which it then joins."""
        apart = value - self.mean
        score = apart / sqrt(self._variance)
        self.weight = min(self.weight + 1, 300.0)
        self.mean += apart / self.weight
        self._variance += (apart * (value - self.mean) - self._variance) / self.weight
        return score


@dataclass(frozen=True)
class Settled:
    """A frame of which all is known."""

    level: float
    """dB over the loud level"""
    pitch: float
    """semitones over the median, nan where unvoiced"""
    phrase_seconds: float
    """since the phrase began; 0 outside of phrases"""
    nucleus: bool


_NOTHING = Settled(-60.0, float("nan"), 0.0, False)


class AccentFinder:
    """Judges each nucleus by those before it."""

    def __init__(self) -> None:
        self._frames = deque([_NOTHING] * (_BEFORE + 1 + AFTER), maxlen=_BEFORE + 1 + AFTER)
        self._heard, self._last = 0, -_APART
        self._excursion = Normal(1.0, 2.5)  # semitones over the declining line
        self._level = Normal(-8.0, 5.0)
        self._length = Normal(0.1, 0.05)
        self._sum = Normal(0.0, 1.8)

    def push(self, frame: Settled) -> Accent | None:
        """Hear a settled frame; the accent whose nucleus is the one `AFTER` before it."""
        self._frames.append(frame)
        self._heard += 1
        frames = [*self._frames]
        nucleus = frames[_BEFORE]
        if not nucleus.nucleus or not nucleus.phrase_seconds:
            return None
        before = _run(frames[_BEFORE - 1 :: -1], nucleus.level)
        after = _run(frames[_BEFORE + 1 :], nucleus.level)
        vowel = frames[_BEFORE - before : _BEFORE + 1 + after]
        pitches = [f.pitch for f in vowel if f.pitch == f.pitch]
        if not pitches:
            return None
        seconds = len(vowel) / FRAMES_PER_SECOND
        line = _TOP - _DECLINATION * min(nucleus.phrase_seconds, _DECLINED)
        score = self._excursion.score(max(pitches) - line)
        score += self._level.score(nucleus.level) + self._length.score(seconds)
        prominence = self._sum.score(score)
        if prominence < _LEAST:
            return None
        first = self._heard - 1 - AFTER - before
        if first - self._last < _APART:
            return None  # another peak of the vowel that was told
        self._last = first
        return Accent(first / FRAMES_PER_SECOND, seconds, prominence)


def _run(frames: list[Settled], peak: float) -> int:
    """How many frames from the first on are voiced and not much quieter than the peak."""
    for i, frame in enumerate(frames):
        if frame.pitch != frame.pitch or frame.level < peak - _FALL:
            return i
    return len(frames)
