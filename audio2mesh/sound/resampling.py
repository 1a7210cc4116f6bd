"""Sample rate conversion by soxr, channel mixing, and signs that a media file is truncated."""

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

HALF_POWER = math.sqrt(0.5)


def stereo_downmix(names: Sequence[str]) -> Samples:
    """[C, 2] weights of ITU-R BS.775 (no low-frequency channel), scaled so that nothing clips."""
    weights = np.array([_stereo_weights(name) for name in names], np.float32)
    return weights / np.maximum(weights.sum(axis=0), 1e-6)


def _stereo_weights(name: str) -> tuple[float, float]:
    if name.startswith("LFE"):
        return 0.0, 0.0
    front = 1.0 if name.startswith("F") else HALF_POWER
    if name.endswith("L"):
        return front, 0.0
    if name.endswith("R"):
        return 0.0, front
    return HALF_POWER, HALF_POWER


def with_channels(samples: Samples, channels: int) -> Samples:
    """[s, 1 or 2] → [s, channels]."""
    if samples.shape[1] == channels:
        return samples
    if channels == 1:
        return samples.mean(axis=1, keepdims=True)
    return np.repeat(samples, 2, axis=1)


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


RIFF_SIZE_UNKNOWN = 0x7FFF0000
"""Larger sizes are placeholders of writers that could not seek back: pipes, recorders."""

OGG_PAGE_MAX = 65_307
"""Largest Ogg page in bytes (RFC 3533 section 6)."""


def is_cut_off(path: Path) -> bool:
    """True where the header of a WAV or Ogg file promises more bytes than the file has.

    Other formats give False: there the decoder's errors and the declared duration tell.
    """
    with path.open("rb") as file:
        head = file.read(12)
        size = path.stat().st_size
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return _riff_is_cut(head, size)
        if head[:4] == b"OggS":
            file.seek(max(0, size - OGG_PAGE_MAX))
            return _last_ogg_page_is_cut(file.read())
    return False


def starts_like_mp4(path: Path) -> bool:
    """True where the first box is `ftyp` (ISO/IEC 14496-12 section 4.3)."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _riff_is_cut(head: bytes, size: int) -> bool:
    promised = struct.unpack("<I", head[4:8])[0]
    return promised < RIFF_SIZE_UNKNOWN and promised + 8 > size + 1  # + 1: a forgotten pad byte


def _last_ogg_page_is_cut(tail: bytes) -> bool:
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27:
        return True
    segments = page[26]
    return len(page) < 27 + segments + sum(page[27 : 27 + segments])
