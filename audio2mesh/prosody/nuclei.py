"""Loudness → the nuclei of syllables: voiced peaks with a dip before them.

After de Jong and Wempe (2009, Behavior Research Methods 41(2):385-90).
"""

from collections import deque

import numpy as np

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
