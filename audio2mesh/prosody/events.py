"""Settled frames → pace, phrases and accents."""

from collections import deque

import numpy as np

from audio2mesh.prosody.accents import AccentFinder, Settled
from audio2mesh.prosody.pitch_level import PitchLevel
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Accent, Bools, Floats, Phrase, Prosody

_PACE_FRAMES = 200  # over which nuclei are counted
_LEAST_SPEECH = 50  # frames in a phrase that they are divided by


class EventFinder:
    """Follows frames that are final in all but their pace."""

    def __init__(self) -> None:
        self._level = PitchLevel()
        self._accents = AccentFinder()
        self._nuclei = deque([False] * _PACE_FRAMES, maxlen=_PACE_FRAMES)
        self._spoken = deque([False] * _PACE_FRAMES, maxlen=_PACE_FRAMES)
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
        pitch, rate = np.empty((2, len(octaves)), np.float32)
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
            rate[i] = self._rate(spoken, nucleus)
            self._frames += 1
        return Prosody(
            np.exp2(octaves), pitch, energy, speaking, rate, tuple(phrases), tuple(accents)
        )

    def _ended(self, spoken: bool) -> Phrase | None:
        """The phrase that ended before this frame, if one did."""
        if spoken and self._start is None:
            self._start = self._frames
        if spoken or self._start is None:
            return None
        start, self._start = self._start, None
        return Phrase(start / FRAMES_PER_SECOND, self._frames / FRAMES_PER_SECOND)

    def _rate(self, spoken: bool, nucleus: bool) -> float:
        """Nuclei for each second of speech lately."""
        self._nuclei.append(nucleus and spoken)
        self._spoken.append(spoken)
        speech = max(self._spoken.count(True), _LEAST_SPEECH) / FRAMES_PER_SECOND
        return self._nuclei.count(True) / speech if spoken else 0.0
