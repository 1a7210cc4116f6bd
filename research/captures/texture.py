"""Mesh colours: every triangle has its own grid of texels, so no UV map is needed.

After Yuksel, Keyser, House 2010, doi 10.1145/1731047.1731053: a triangle of resolution R has
(R + 1)(R + 2) / 2 texels at the points of its barycentric grid, between which colours are linear.
Texels belong to triangles, so paint follows the skin; coarse meshes are tessellated for it.
"""

from dataclasses import dataclass, replace

import numpy as np

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.vectors import Floats, Ints
from common.kernels import cached_njit


@dataclass(frozen=True)
class Tessellation:
    """Triangles each of which lies within one triangle of a coarse mesh."""

    triangles: Ints  # [P] coarse triangle of each point
    weights: Floats  # [P, 3] where on it
    faces: Ints  # [Q, 3] of points
    owners: Ints  # [Q] coarse triangle of each fine one
    corners: Floats  # [Q, 3, 3] weights of its corners on that


def tessellate(triangles: Ints, segments: Ints | int) -> Tessellation:
    """Cut each of the coarse triangles [m] into segments² equal ones; `segments` [m] or a number.

    Points on an edge that two triangles share exist twice, at the same place.
    """
    segments = np.broadcast_to(segments, len(triangles))
    parts = [_uniform(triangles[segments == n], int(n)) for n in np.unique(segments)]
    faces = stacked([part.faces for part in parts], [len(part.triangles) for part in parts])
    return replace(concatenated(parts), faces=faces)


def grid(segments: int) -> tuple[Floats, Ints]:
    """Points [p, 3] of a triangle cut into segments² ones, as weights, and those [q, 3]."""
    steps = [(i, j) for i in range(segments + 1) for j in range(segments + 1 - i)]
    row = {step: index for index, step in enumerate(steps)}
    upright = [(i, j, i + 1, j, i, j + 1) for i, j in steps if i + j < segments]
    turned = [(i + 1, j, i + 1, j + 1, i, j + 1) for i, j in steps if i + j < segments - 1]
    cells = [(row[a, b], row[c, d], row[e, f]) for a, b, c, d, e, f in upright + turned]
    ij = np.array(steps) / segments
    return np.column_stack([1 - ij.sum(1), ij]), np.array(cells)


def _uniform(triangles: Ints, segments: int) -> Tessellation:
    weights, cells = grid(segments)
    count = len(triangles)
    shifts = np.arange(count)[:, None, None] * len(weights)
    return Tessellation(
        triangles=np.repeat(triangles, len(weights)),
        weights=np.tile(weights, (count, 1)),
        faces=(cells[None] + shifts).reshape(-1, 3),
        owners=np.repeat(triangles, len(cells)),
        corners=np.tile(weights[cells], (count, 1, 1)),
    )


@dataclass(frozen=True)
class Texture:
    """Texels of every triangle, triangle after triangle."""

    resolution: Ints  # [M] int32 segments of a triangle's side
    texels: Floats  # [X, C] float32

    @property
    def first(self) -> Ints:
        """Each triangle's first texel [M]."""
        return np.cumsum(texel_counts(self.resolution)) - texel_counts(self.resolution)


def texel_counts(resolution: Ints) -> Ints:
    """How many texels triangles of resolutions [M] have."""
    return (resolution.astype(np.int64) + 1) * (resolution + 2) // 2


def texel_places(resolution: Ints) -> tuple[Ints, Floats]:
    """Triangles [X] and weights [X, 3] of the texels of triangles with resolutions [M]."""
    triangles = np.repeat(np.arange(len(resolution)), texel_counts(resolution))
    weights = np.empty((len(triangles), 3))
    for r in np.unique(resolution):
        places = grid(int(r))[0]
        chosen = resolution[triangles] == r
        weights[chosen] = np.tile(places, (int(chosen.sum()) // len(places), 1))
    return triangles, weights


def painted(resolution: Ints, colours: Floats) -> Texture:
    """The texture of triangles with resolutions [M] and colours [X, C] at their `texel_places`."""
    return Texture(resolution.astype(np.int32), colours.astype(np.float32))


def resolutions(vertices: Floats, faces: Ints, spacing: Floats) -> Ints:
    """Resolutions [M] that put texels no farther apart than `spacing` [M] metres."""
    corners = vertices[faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    return np.clip(np.ceil(longest / spacing), 1, 255).astype(np.int64)


@cached_njit(inline="always")
def texel_corners(resolution, first, to_b, to_c):  # pragma: no cover (compiled)
    """The three texels around weights (1 - to_b - to_c, to_b, to_c) of a triangle, and theirs."""
    to_b = min(max(to_b, 0.0), 1.0)
    u, v = to_b * resolution, min(max(to_c, 0.0), 1.0 - to_b) * resolution
    i, j = min(int(u), resolution - 1), min(int(v), resolution - 1)
    if i + j > resolution - 1:
        j = resolution - 1 - i
    s, t = u - i, v - j
    here = first + i * (resolution + 1) - i * (i - 1) // 2 + j
    right = here + resolution + 1 - i  # the texel at (i + 1, j)
    if s + t <= 1.0 or i + j == resolution - 1:  # rounding must not lead out of the triangle
        return here, right, here + 1, 1 - s - t, s, t
    return right + 1, right, here + 1, s + t - 1, 1 - t, 1 - s
