"""Pictures in OpenEXR's format (.exr): one part of scan lines, plain, run-length or ZIP coded.

After the magic number and a version come attributes (name, type, size, value), then the offsets of
blocks of lines; a block holds, line by line, the values of every channel in the order of their
names, as half or whole floats or integers. RLE and ZIP code a block's bytes after splitting even
from odd ones and taking differences (OpenEXR file layout, openexr.com).
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError

MAGIC = b"\x76\x2f\x31\x01"
MOST_PIXELS, MOST_ACROSS, MOST_CHANNELS = 2**25, 2**15, 16
TILED, DEEP, PARTS = 0x200, 0x800, 0x1000  # flags of the version
LINES = {0: 1, 1: 1, 2: 1, 3: 16}  # lines in a block by the number of the compression
NAMES = ("none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB")
KINDS = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
ADVICE = "save it as .hdr, or as .exr of scan lines with ZIP compression"


@dataclass(frozen=True)
class Header:
    """The attributes that decoding needs."""

    channels: tuple[tuple[str, np.dtype], ...]
    compression: int
    origin: tuple[int, int]  # x and y of the picture's corner
    size: tuple[int, int]  # width, height
    end: int  # where the header ends


def read_exr(data: bytes) -> NDArray[np.float32]:
    """The picture [H, W, 3] in the bytes of a file. Raises InputError: what is wrong with it."""
    try:
        header = _header(data)
        return _picture(data, header)
    except (struct.error, zlib.error, IndexError, UnicodeDecodeError):
        raise InputError("is cut short or damaged") from None


def _header(data: bytes) -> Header:
    if not data.startswith(MAGIC):
        raise InputError("does not begin as an OpenEXR file does")
    (flags,) = struct.unpack_from("<I", data, 4)
    if flags & (TILED | DEEP | PARTS):
        raise InputError(f"has tiles, deep pixels or several parts; {ADVICE}")
    attributes, end = _attributes(data, 8)
    for name in ("channels", "compression", "dataWindow"):
        if name not in attributes:
            raise InputError(f"its header lacks {name}")
    compression = attributes["compression"][0]
    if compression not in LINES:
        name = NAMES[compression] if compression < len(NAMES) else f"number {compression}"
        raise InputError(f"is compressed by {name}, which is not read here; {ADVICE}")
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or height < 1 or width * height > MOST_PIXELS or width > MOST_ACROSS:
        raise InputError(
            f"says it has {width}x{height} pixels; give one of at most 2^25, 2^15 across"
        )
    return Header(_channels(attributes["channels"]), compression, (left, top), (width, height), end)


def _attributes(data: bytes, offset: int) -> tuple[Mapping[str, bytes], int]:
    """The header's values by name, and where it ends."""
    attributes: dict[str, bytes] = {}
    while data[offset] != 0:
        stop = data.index(b"\0", offset) if b"\0" in data[offset : offset + 256] else len(data)
        name, kind_end = data[offset:stop], data.find(b"\0", stop + 1)
        (size,) = struct.unpack_from("<i", data, kind_end + 1)
        start = kind_end + 5
        if kind_end < 0 or size < 0 or start + size > len(data):
            raise InputError("its header is damaged")
        attributes[name.decode("latin-1")] = data[start : start + size]
        offset = start + size
    return attributes, offset + 1


def _channels(listed: bytes) -> tuple[tuple[str, np.dtype], ...]:
    found, offset = [], 0
    while listed[offset] != 0:
        if len(found) == MOST_CHANNELS:
            raise InputError(f"has more than {MOST_CHANNELS} channels; save it with R, G and B")
        stop = listed.index(b"\0", offset) if b"\0" in listed[offset:] else len(listed)
        kind, _, across, down = struct.unpack_from("<iIii", listed, stop + 1)
        name = listed[offset:stop].decode("latin-1")
        if kind not in KINDS or (across, down) != (1, 1):
            raise InputError(f"its channel {name} has values of a kind not read here; {ADVICE}")
        found.append((name, KINDS[kind]))
        offset = stop + 17
    names = {name for name, _ in found}
    if not ({"R", "G", "B"} <= names or "Y" in names):
        raise InputError(f"has no channels R, G and B, but {', '.join(sorted(names)) or 'none'}")
    return tuple(found)


def _picture(data: bytes, header: Header) -> NDArray[np.float32]:
    width, height = header.size
    lines = LINES[header.compression]
    columns, row_bytes = {}, 0  # of a channel: its first byte in a line, its kind of values
    for name, kind in header.channels:
        columns[name] = row_bytes, kind
        row_bytes += width * kind.itemsize
    blocks = -(-height // lines)
    offsets = struct.unpack_from(f"<{blocks}Q", data, header.end)
    wanted = ("R", "G", "B") if {"R", "G", "B"} <= columns.keys() else ("Y", "Y", "Y")
    picture = np.zeros((height, width, 3), np.float32)
    for offset in offsets:
        if offset > len(data):
            raise InputError("is cut short or damaged")
        y, size = struct.unpack_from("<ii", data, offset)
        top = y - header.origin[1]
        if not 0 <= top < height or size < 0:
            raise InputError("is cut short or damaged")
        count = min(lines, height - top)
        block = data[offset + 8 : offset + 8 + size]
        plain = _decoded(block, header.compression, count * row_bytes)
        rows = np.frombuffer(plain, np.uint8).reshape(count, row_bytes)
        for k, (start, kind) in enumerate(columns[name] for name in wanted):
            values = np.ascontiguousarray(rows[:, start : start + width * kind.itemsize])
            picture[top : top + count, :, k] = values.view(kind)
    return picture


def _decoded(block: bytes, compression: int, size: int) -> bytes:
    """The bytes of a block's lines; blocks that coding would make longer are stored plain."""
    if compression == 0 or len(block) == size:
        plain = block
    else:
        coded = (
            _run_lengths(block, size)
            if compression == 1
            else zlib.decompressobj().decompress(block, size + 1)
        )
        steps = np.frombuffer(coded, np.uint8).copy()
        steps[1:] -= 128
        mixed = np.cumsum(steps, dtype=np.uint8)
        spread = np.empty_like(mixed)
        half = (len(mixed) + 1) // 2
        spread[0::2], spread[1::2] = mixed[:half], mixed[half:]
        plain = spread.tobytes()
    if len(plain) != size:
        raise InputError("is cut short or damaged")
    return plain


def _run_lengths(block: bytes, size: int) -> bytes:
    plain, offset = bytearray(), 0
    while offset < len(block) and len(plain) <= size:
        count = struct.unpack_from("b", block, offset)[0]
        if count < 0:
            plain += block[offset + 1 : offset + 1 - count]
            offset += 1 - count
        else:
            plain += block[offset + 1 : offset + 2] * (count + 1)
            offset += 2
    return bytes(plain)
