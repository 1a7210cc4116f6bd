"""Colours on a mesh without a map of it: every triangle has its own grid of texels.

Mesh colours (Yuksel, Keyser, House 2010, doi 10.1145/1731047.1731053): a triangle of resolution R
has (R + 1)(R + 2) / 2 texels at the points of its barycentric grid, and between them the colour
is linear. Texels are tied to the triangle, so what is painted sticks to the skin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import Floats, Ints
from avatar.synthetic.capture.tessellation import grid
from common.kernels import cached_njit


@dataclass(frozen=True)
class Texture:
    """Texels of every triangle."""

    resolution: Ints  # [M] segments of a triangle's side
    first: Ints  # [M] its first texel
    texels: Floats  # [X, C] float32

    @staticmethod
    def joined(parts: "Sequence[Texture]") -> "Texture":
        """One texture for the triangles of all parts, one part after the other."""
        firsts = np.cumsum([0, *(len(part.texels) for part in parts[:-1])])
        return Texture(
            np.concatenate([part.resolution for part in parts]),
            np.concatenate([p.first + first for p, first in zip(parts, firsts, strict=True)]),
            np.concatenate([part.texels for part in parts]),
        )


@dataclass(frozen=True)
class TexelPlaces:
    """Where the texels of a mesh lie."""

    resolution: Ints  # [M]
    first: Ints  # [M]
    triangles: Ints  # [X]
    weights: Floats  # [X, 3] barycentric

    def painted(self, colours: Floats) -> Texture:
        """The texture of these places with colours [X, C]."""
        return Texture(self.resolution, self.first, colours.astype(np.float32))


def texel_places(resolution: Ints) -> TexelPlaces:
    """The texels of triangles with resolutions [M], triangle after triangle."""
    counts = (resolution + 1) * (resolution + 2) // 2
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    weights = np.empty((int(counts.sum()), 3))
    for r in np.unique(resolution):
        rows = first[resolution == r][:, None] + np.arange((r + 1) * (r + 2) // 2)
        weights[rows] = grid(int(r))[0]
    triangles = np.repeat(np.arange(len(resolution)), counts)
    return TexelPlaces(resolution.astype(np.int32), first.astype(np.int64), triangles, weights)


def resolutions(vertices: Floats, faces: Ints, spacing: Floats) -> Ints:
    """Resolutions [M] that put texels no farther apart than `spacing` [M] metres."""
    corners = vertices[faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    return np.clip(np.ceil(longest / spacing), 1, 255).astype(np.int64)


@cached_njit(nogil=True, inline="always")
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


@cached_njit(nogil=True)
def _sample(texels, resolution, first, triangles, weights):  # pragma: no cover (compiled)
    values = np.empty((len(triangles), texels.shape[1]), np.float32)
    for k in range(len(triangles)):
        m = triangles[k]
        a, b, c, s, t, u = texel_corners(resolution[m], first[m], weights[k, 1], weights[k, 2])
        for channel in range(texels.shape[1]):
            values[k, channel] = (
                s * texels[a, channel] + t * texels[b, channel] + u * texels[c, channel]
            )
    return values


def sample(texture: Texture, triangles: Ints, weights: Floats) -> Floats:
    """Colours [K, C] of a texture at weights [K, 3] of triangles [K]."""
    return _sample(texture.texels, texture.resolution, texture.first, triangles, weights)
