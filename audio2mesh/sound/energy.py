"""How loud a recording is in each video frame."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.resampling import Samples
from audio2mesh.sound.waveform import frame_count


class EnergyMeter:
    """Measures sound in video frames [f/fps, (f+1)/fps) while it goes on to somebody else."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.samples = 0  # so far, at 16 kHz
        self._sums: list[NDArray[Any]] = []  # of squares and of ones in each whole frame, [2, f]
        self._tail = np.zeros((2, 1))  # those of the frame that may go on
        self._first = 0  # its number

    def passing(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The same mono blocks [s] at 16 kHz, each measured before it is handed on."""
        for block in blocks:
            position = (self.samples + np.arange(len(block))) * self.fps / SAMPLE_RATE  # frames
            frame = np.floor(position + 1e-6).astype(np.int64) - self._first
            power = np.bincount(frame, block.astype(np.float64) ** 2, minlength=1)
            found = np.array([power, np.bincount(frame, minlength=1)], np.float64)
            found[:, :1] += self._tail
            self._sums.append(found[:, :-1])
            self._tail = found[:, -1:]
            self._first += found.shape[1] - 1
            self.samples += len(block)
            yield block

    def energy(self) -> Samples:
        """Root mean square [F] of what has passed, in `frame_count` frames; what is left after the
        last one counts with it."""
        sums = np.concatenate([*self._sums, self._tail], axis=1)
        squares, counts = _folded(sums, frame_count(self.samples, self.fps))
        return np.sqrt(squares / np.maximum(counts, 1)).astype(np.float32)


def _folded(sums: NDArray[Any], length: int) -> NDArray[Any]:  # [2, length]
    """Exactly `length` of sums [2, F]; the last takes in those beyond it."""
    kept = np.pad(sums, ((0, 0), (0, max(0, length - sums.shape[1]))))[:, :length]
    kept[:, -1] += sums[:, length:].sum(axis=1)
    return kept
