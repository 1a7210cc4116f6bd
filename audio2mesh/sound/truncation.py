"""Signs in a media file's own bytes that its end is missing."""

from __future__ import annotations

import struct
from pathlib import Path

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
