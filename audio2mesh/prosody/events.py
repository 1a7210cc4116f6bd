"""Settled frames → phrases and accents: syllable nuclei that stand out by pitch (in semitones over
the speaker's running median), loudness and length."""

from collections import deque
from dataclasses import dataclass
from math import sqrt

import numpy as np

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Accent, Bools, Floats, Phrase, Prosody

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
        return Accent(first / FRAMES_PER_SECOND, prominence)


def _run(frames: list[Settled], peak: float) -> int:
    """How many frames from the first on are voiced and not much quieter than the peak."""
    for i, frame in enumerate(frames):
        if frame.pitch != frame.pitch or frame.level < peak - _FALL:
            return i
    return len(frames)


_BIN = 0.25  # semitones
_LOWEST, _HIGHEST = 5.5, 9.5  # log2 Hz
_FORGOTTEN = 1 - 1 / 2000  # share of the histogram that is kept each voiced frame: 20 s


class PitchLevel:
    """The running median, by a histogram that slowly forgets."""

    def __init__(self) -> None:
        self._counts = np.zeros(int((_HIGHEST - _LOWEST) * 12 / _BIN))

    def push(self, octave: float) -> float:
        """log2 Hz of a frame → semitones over the median until then; nan stays nan."""
        if octave != octave:
            return octave
        counts = self._counts
        counts *= _FORGOTTEN
        counts[int((octave - _LOWEST) * 12 / _BIN)] += 1.0
        sums = counts.cumsum()
        half = 0.5 * sums[-1]
        k = int(sums.searchsorted(half))
        median = k + 1 - (sums[k] - half) / counts[k]
        return float((octave - _LOWEST) * 12 - median * _BIN)


class EventFinder:
    """Follows frames that are final."""

    def __init__(self) -> None:
        self._level = PitchLevel()
        self._accents = AccentFinder()
        self._frames = 0
        self._start: int | None = None  # frame at which the phrase began that goes on

    def push(
        self, octaves: Floats, energy: Floats, levels: Floats, speaking: Bools, nuclei: Bools
    ) -> Prosody:
        """What there is to say of these frames.

        octaves: log2 Hz, nan where unvoiced; energy, levels: dB over the speaker's loud level, of
        all sound and of the voice; nuclei: those of syllables. All [n].
        """
        phrases: list[Phrase] = []
        accents: list[Accent] = []
        octaves = np.where(speaking, octaves, np.float32(np.nan))
        pitch = np.empty(len(octaves), np.float32)
        columns = (octaves, levels, speaking, nuclei)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for i, (octave, level, spoken, nucleus) in enumerate(rows):
            if phrase := self._ended(spoken):
                phrases.append(phrase)
            pitch[i] = self._level.push(octave)
            seconds = 0.0 if self._start is None else self._frames - self._start + 1
            seconds /= FRAMES_PER_SECOND
            if accent := self._accents.push(Settled(level, float(pitch[i]), seconds, nucleus)):
                accents.append(accent)
            self._frames += 1
        return Prosody(np.exp2(octaves), pitch, energy, speaking, tuple(phrases), tuple(accents))

    def _ended(self, spoken: bool) -> Phrase | None:
        """The phrase that ended before this frame, if one did."""
        if spoken and self._start is None:
            self._start = self._frames
        if spoken or self._start is None:
            return None
        start, self._start = self._start, None
        return Phrase(start / FRAMES_PER_SECOND, self._frames / FRAMES_PER_SECOND)
