"""Voice activity → phrases between pauses; loudness → syllable nuclei, voiced peaks with a dip
before them, after de Jong and Wempe (2009, Behavior Research Methods 41(2):385-90)."""

from collections import deque

import numpy as np

PAUSE = 18
"""Frames without sound that end a phrase, and that are looked ahead to find its start."""
_SOUNDING, _VOICED = 9, 6  # of the next PAUSE frames, in a phrase that starts
_AFTER_VOICE = 25  # frames that an unvoiced sound may last at a phrase's end


class PhraseFinder:
    """Says of one frame after another whether it lies within a phrase, `PAUSE` frames behind."""

    def __init__(self) -> None:
        self._sound = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._voiced = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._lasting = deque([False] * PAUSE, maxlen=PAUSE + 1)
        self._since_voice = 0
        self._speaking = False

    def push(self, sound: bool, voiced: bool) -> bool:
        """Hear a frame; whether the one `PAUSE` before it is within a phrase."""
        self._since_voice = 0 if voiced else self._since_voice + 1
        self._sound.append(sound)
        self._voiced.append(voiced)
        self._lasting.append(sound and self._since_voice <= _AFTER_VOICE)
        if self._speaking:
            self._speaking = any(self._lasting)
        elif self._sound[0]:
            sounding, voiced_frames = sum(self._sound), sum(self._voiced)
            self._speaking = sounding >= _SOUNDING and voiced_frames >= _VOICED
        return self._speaking


REACH = 4
"""Frames around a nucleus that are no louder."""
_DIP = 1.0  # dB that the level falls between two nuclei
_FAINTEST = -28.0  # dB under the loud level
_SMOOTH = np.array([1.0, 2.0, 1.0]) / 4

DELAY = REACH + len(_SMOOTH) // 2
"""Frames after a nucleus at which it is known."""


class NucleusFinder:
    """Finds nuclei in one frame after another."""

    def __init__(self) -> None:
        self._raw = deque([_FAINTEST] * len(_SMOOTH), maxlen=len(_SMOOTH))
        self._level = deque([_FAINTEST] * (2 * REACH + 1), maxlen=2 * REACH + 1)
        self._voiced = deque([False] * (DELAY + 1), maxlen=DELAY + 1)
        self._least = _FAINTEST  # since the last nucleus

    def push(self, level: float, voiced: bool) -> bool:
        """Hear a frame's dB over the loud level; whether the one `DELAY` before it is a nucleus."""
        self._raw.append(max(level, 2 * _FAINTEST))
        self._voiced.append(voiced)
        self._level.append(sum(w * x for w, x in zip(_SMOOTH.tolist(), self._raw, strict=True)))
        here = self._level[REACH]
        self._least = min(self._least, here)
        found = self._voiced[0] and here > max(_FAINTEST, self._least + _DIP)
        found = found and here >= max(self._level)
        if found:
            self._least = here
        return found
