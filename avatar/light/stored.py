"""What the Gaussians of an avatar are, baked or learned, as bytes that go into its file.

A count, a mark of the Gaussians that they belong to, and columns packed by zlib: a byte for each
two shares of visibility, half-floats for vectors.
"""

import hashlib
import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.light.matters import MATTERS
from avatar.light.shadows import DIRECTIONS
from avatar.light.surfaces import STILL, Surfaces
from avatar.rig.avatar import Avatar

HEAD = b"light 1\n"
MARK = 16  # bytes
HALF = len(DIRECTIONS) // 2
COLUMNS: dict[str, tuple[str, int]] = {
    "normals": ("<f2", 3),
    "tangents": ("<f2", 3),
    "matter": ("u1", 1),
    "follows": ("u1", 1),
    "access": ("<f2", 2),
    "rest": ("u1", HALF),
    "opened": ("u1", HALF),
}
PER_GAUSSIAN = sum(np.dtype(kind).itemsize * width for kind, width in COLUMNS.values())


def pack(avatar: Avatar, surfaces: Surfaces) -> Tensor:
    """The bytes [B] uint8 of the surfaces of an avatar, without their albedo, which its colours
    tell."""
    told = surfaces._replace(opened=surfaces.opened ^ surfaces.rest)  # mostly 0
    columns = (
        np.ascontiguousarray(getattr(told, name).astype(kind)).tobytes()
        for name, (kind, _) in COLUMNS.items()
    )
    content = HEAD + _mark(avatar) + zlib.compress(b"".join(columns), 9)
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


def stored(avatar: Avatar) -> Surfaces | None:
    """The surfaces that an avatar brings along, with an albedo of 1; None where it has none, or
    where they belong to other Gaussians or are damaged: then they can be baked."""
    if avatar.light is None:
        return None
    content = avatar.light.numpy().tobytes()
    start = len(HEAD) + MARK
    if content[:start] != HEAD + _mark(avatar):
        return None
    count = len(avatar.binding)
    try:
        columns = zlib.decompressobj().decompress(content[start:], count * PER_GAUSSIAN)
    except zlib.error:
        return None
    return _surfaces(columns, count) if len(columns) == count * PER_GAUSSIAN else None


def _surfaces(columns: bytes, count: int) -> Surfaces | None:
    parts: dict[str, NDArray] = {}
    place = 0
    for name, (kind, width) in COLUMNS.items():
        part = np.frombuffer(columns, kind, count * width, place)
        place += part.nbytes
        shaped = part.reshape(count, width) if width > 1 else part
        parts[name] = shaped.astype(np.float32) if kind == "<f2" else shaped.copy()
    parts["opened"] ^= parts["rest"]
    sound = all(np.isfinite(parts[name]).all() for name in ("normals", "tangents", "access"))
    known = (parts["matter"] < len(MATTERS)).all() and (parts["follows"] <= STILL).all()
    if not (sound and known):
        return None
    return Surfaces(albedo=np.ones((count, 3), np.float32), **parts)


def _mark(avatar: Avatar) -> bytes:
    """Which Gaussians they are: their places and triangles."""
    digest = hashlib.sha256(avatar.binding.numpy().tobytes())
    digest.update(avatar.gaussians.means.detach().contiguous().numpy().tobytes())
    return digest.digest()[:MARK]
