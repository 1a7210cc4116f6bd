"""Pitch → semitones over the speaker's running median."""

import numpy as np

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
