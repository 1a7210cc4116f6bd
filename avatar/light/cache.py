"""Baked light, kept in the user's cache folder by the content of what was baked."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.heads import Head
from avatar.light.bake import bake
from avatar.light.shadows import DIRECTIONS
from avatar.light.surfaces import Surfaces
from avatar.rig.avatar import Avatar
from common.arrays import read_arrays
from common.cache import cache_folder, content_key, keep_arrays, mark_used
from common.errors import InputError

KEPT = 20  # avatars, of some 5 to 30 MB each
ROOMS = ("light", "rig", "mesh")
"""The folders of avatar/ whose code decides what is baked."""


def baked(avatar: Avatar, head: Head, done: Callable[[], None] = lambda: None) -> Surfaces:
    """Bake an avatar (see `bake`), or take the same tables from the cache."""
    path = cache_folder() / "light" / f"{_key(avatar, head)}.npz"
    known = _read(path, len(avatar.binding))
    if known is not None:
        return known
    surfaces = bake(avatar, head, done)
    keep_arrays(path, surfaces._asdict(), KEPT)
    return surfaces


def _key(avatar: Avatar, head: Head) -> str:
    rooms = (Path(__file__).parents[1] / room for room in ROOMS)
    return content_key(_decisive(avatar, head), rooms)


def _decisive(avatar: Avatar, head: Head) -> Iterator[tuple[str, NDArray]]:
    """All that decides how an avatar is shaded, by name."""
    for part in fields(avatar.gaussians):
        yield part.name, getattr(avatar.gaussians, part.name).detach().cpu().numpy()
    yield "binding", avatar.binding.numpy()
    yield "vertices", avatar.vertices.numpy()
    yield f"faces, unlit: {avatar.unlit}", avatar.faces.numpy()
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"):
        yield name, head.unit(name).numpy()
    yield " ".join(head.group_names), head.face_groups.numpy()
    yield from ((name, region.numpy()) for name, region in sorted(head.regions.items()))


def _read(path: Path, count: int) -> Surfaces | None:
    """The tables of `count` Gaussians in a file; None where there is none or it is damaged."""
    try:
        arrays = read_arrays(path)
        found = Surfaces(**{name: arrays[name] for name in Surfaces._fields})
    except (OSError, InputError, KeyError):
        return None
    half = len(DIRECTIONS) // 2
    sizes = [(3,), (3,), (), (3,), (half,), (half,), (), (2,)]
    if any(part.shape != (count, *size) for part, size in zip(found, sizes, strict=True)):
        return None
    if not all(np.isfinite(part).all() for part in found):
        return None
    mark_used(path)
    return found
