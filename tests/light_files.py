"""Pictures of high dynamic range as files, written here by the formats' own rules."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def hdr_bytes(rgbe: NDArray[np.uint8], runs: bool) -> bytes:
    """A Radiance file of RGBE pixels [H, W, 4]; runs: coded channel by channel."""
    height, width = rgbe.shape[:2]
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode()
    if not runs:
        return head + rgbe.tobytes()
    body = bytearray()
    for line in rgbe:
        body += bytes([2, 2, width >> 8, width & 255])
        for channel in line.T:
            body += _coded(channel.tobytes(), lambda n: 128 + n, lambda n: n, 127)
    return head + bytes(body)


def exr_bytes(picture: NDArray, compression: int, kind: str = "<f2") -> bytes:
    """An OpenEXR file of scan lines of a picture [H, W, 3]; compression: 0, 1, 2 or 3."""
    height, width = picture.shape[:2]
    number = {"<u4": 0, "<f2": 1, "<f4": 2}[kind]
    channels = b"".join(
        name + struct.pack("<BIIii", 0, number, 0, 1, 1) for name in (b"B", b"G", b"R")
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    facts = [
        (b"channels", b"chlist", channels + b"\0"),
        (b"compression", b"compression", bytes([compression])),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
    ]
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    for name, type_name, value in facts:
        head += name + b"\0" + type_name + b"\0" + struct.pack("<i", len(value)) + value
    head += b"\0"
    lines = 16 if compression == 3 else 1
    blocks = []
    for top in range(0, height, lines):
        rows = picture[top : top + lines].astype(kind)
        plain = b"".join(row[:, channel].tobytes() for row in rows for channel in (2, 1, 0))
        coded = plain if compression == 0 else _compressed(plain, compression)
        body = coded if len(coded) < len(plain) else plain
        blocks.append(struct.pack("<ii", top, len(body)) + body)
    starts = np.cumsum([len(head) + 8 * len(blocks), *(len(block) for block in blocks)])[:-1]
    return head + struct.pack(f"<{len(blocks)}Q", *starts.tolist()) + b"".join(blocks)


def _compressed(plain: bytes, compression: int) -> bytes:
    values = np.frombuffer(plain, np.uint8)
    mixed = np.concatenate([values[0::2], values[1::2]]).astype(np.int64)
    steps = np.diff(mixed, prepend=mixed[0]) + 128
    steps[0] = mixed[0]
    coded = steps.astype(np.uint8).tobytes()
    if compression == 1:
        return _coded(coded, lambda n: n - 1, lambda n: 256 - n, 127)
    return zlib.compress(coded)


def _coded(values: bytes, of_run, of_others, most: int) -> bytes:
    """Runs as (code of their length, value), others as (code of their number, values)."""
    out, place = bytearray(), 0
    while place < len(values):
        run = 1
        while place + run < len(values) and run < most and values[place + run] == values[place]:
            run += 1
        if run > 2:
            out += bytes([of_run(run), values[place]])
            place += run
            continue
        count = min(most, len(values) - place, 5)
        out += bytes([of_others(count)]) + values[place : place + count]
        place += count
    return bytes(out)
