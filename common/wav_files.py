"""Recordings as 16-bit WAV files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.atomic import write_beside

LARGEST = 32767


def write_wav(path: Path, samples: NDArray[np.floating], rate: int) -> None:
    """Write samples [S] or [S, C], clipped to [-1, 1]; the file appears whole or not at all.

    rate: samples a second.
    """
    pcm = np.round(np.clip(samples, -1, 1) * LARGEST).astype("<i2")
    with (
        write_beside(path) as partial,
        partial.open("wb") as binary,
        wave.open(binary, "wb") as file,
    ):
        file.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        file.setsampwidth(pcm.itemsize)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
