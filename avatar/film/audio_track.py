"""The sound of a recording, handed out in the amounts that a video asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio2mesh.sound.waveform import stream_audio

Samples = NDArray[np.float32]
Read = Callable[[int], Samples]


@dataclass(frozen=True)
class Sound:
    """A recording, and where in it a film begins."""

    path: Path
    begin: float = 0.0  # seconds; negative: the film begins earlier, in silence


def sound_reader(path: Path, rate: int, begin: float = 0.0) -> Read:
    """A function that returns the next `count` samples [count, C] of `path` at `rate`.

    C is 1 or 2. It begins so many seconds into the recording, or with so much silence where that is
    negative; after the recording's end it returns silence. The file is decoded as it is read;
    raises as `stream_audio` does.
    """
    blocks = stream_audio(path, rate, mono=False)
    held = next(blocks)  # [s, C]
    first = round(begin * rate)
    held = np.concatenate([np.zeros((max(0, -first), held.shape[1]), np.float32), held])

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

    for skipped in range(0, first, rate):
        read(min(rate, first - skipped))
    return read
