"""Change of sample rate, by soxr."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from audio2mesh.sound.downmix import Samples


def resample_blocks(
    blocks: Iterable[Samples], source_rate: int, rate: int, channels: int
) -> Iterator[Samples]:
    """[s, C] blocks at `source_rate` → [s, C] blocks at `rate`, without the filter's delay."""
    if source_rate == rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(source_rate, rate, channels, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)


def resample_audio(samples: Samples, source_rate: int, rate: int) -> Samples:
    """Mono [S] at `source_rate` → [S] at `rate`."""
    return np.concatenate([*resample_blocks([samples[:, None]], source_rate, rate, 1)])[:, 0]
