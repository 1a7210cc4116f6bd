"""Surfaces of an avatar's Gaussians, from the user's cache or freshly baked; the cache is keyed by
the content of what was baked."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.geometry.coloured import to_linear
from avatar.geometry.vectors import Floats
from avatar.heads import Head
from avatar.lighting.bake import bake
from avatar.lighting.estimate import Estimate, albedo_of, estimate
from avatar.lighting.materials import Surfaces, untoned
from avatar.lighting.occlusion import DIRECTIONS
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.arrays import read_arrays
from common.cache import cache_folder, content_key, keep_arrays, mark_used
from common.errors import InputError
from splat import sh_to_rgb

HALF = len(DIRECTIONS) // 2
KEPT = 20  # avatars, of some 5 to 30 MB each
CODE_FOLDERS = ("lighting", "rigging", "geometry")
"""The folders of avatar/ whose code decides what is baked."""


def baked(avatar: Avatar, head: Head, done: Callable[[], None] = lambda: None) -> Surfaces:
    """Bake an avatar (see `bake`), or take the same tables from the cache."""
    folders = (Path(__file__).parents[1] / folder for folder in CODE_FOLDERS)
    key = content_key(_decisive(avatar, head), folders)
    path = cache_folder() / "light" / f"{key}.npz"
    known = _read(path, len(avatar.binding))
    if known is not None:
        return known
    surfaces = bake(avatar, head, done)
    keep_arrays(path, surfaces._asdict(), KEPT)
    return surfaces


def _decisive(avatar: Avatar, head: Head) -> Iterator[tuple[str, NDArray]]:
    """All inputs of baking, by name."""
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
    sizes = [(3,), (3,), (), (3,), (HALF,), (HALF,), (), (2,)]
    if any(part.shape != (count, *size) for part, size in zip(found, sizes, strict=True)):
        return None
    if not all(np.isfinite(part).all() for part in found):
        return None
    mark_used(path)
    return found


def surfaces_of(
    avatar: Avatar,
    head: Head,
    skin: Floats | None = None,
    done: Callable[[], None] = lambda: None,
) -> tuple[Surfaces, Estimate | None]:
    """The surface of each Gaussian with its albedo, and the light that was removed from the
    colours, where they had one.

    head: the avatar's mesh, with units that fit it; skin [3]: mean albedo of the skin, linear;
    done: called after each of 2 * PARTS parts.
    """
    surfaces = baked(avatar, head, done)
    colours = sh_to_rgb(avatar.gaussians.sh[:, 0].double()).clamp(0, 1).numpy()
    if avatar.unlit:
        return surfaces._replace(albedo=to_linear(colours).astype(np.float32)), None
    quats = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices).quats.numpy()
    radiance = untoned(colours).astype(np.float32)
    found = estimate(surfaces, quats, radiance, skin)
    albedo = albedo_of(surfaces, quats, radiance, found.light)
    return surfaces._replace(albedo=albedo), found
