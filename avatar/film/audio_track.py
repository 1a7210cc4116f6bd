"""The sound of a recording, handed out in the amounts that a video asks for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio2mesh.sound.waveform import stream_audio

Samples = NDArray[np.float32]
Read = Callable[[int], Samples]


def sound_reader(path: Path, rate: int) -> Read:
    """A function that returns the next `count` samples [count, C] of `path` at `rate`.

    C is 1 or 2. After the recording's end it returns silence. The file is decoded as it is read;
    raises as `stream_audio` does.
    """
    blocks = stream_audio(path, rate, mono=False)
    held = next(blocks)  # [s, C]

    def read(count: int) -> Samples:
        nonlocal held
        parts, missing = [held], count - len(held)
        while missing > 0:
            block = next(blocks, None)
            if block is None:
                block = np.zeros((missing, held.shape[1]), np.float32)
            parts.append(block)
            missing -= len(block)
        joined = np.concatenate(parts)
        held = joined[count:]
        return joined[:count]

    return read
