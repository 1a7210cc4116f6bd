"""Occlusion of light from many directions: by meshes, with a shadow map for each direction, and by
hair, as a fog of optical density on a coarse grid; and the bins of direction, for which visibility
is stored and among which light is distributed.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import prange
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull

from avatar.geometry.vectors import MM, Floats, Ints, sphere_directions
from avatar.geometry.zbuffer import parallel_axes, project_parallel, rasterize
from common.kernels import cached_njit

DIRECTIONS = sphere_directions(224)  # towards the light
RESOLUTION = 384
HALF_WIDTH = 200 * MM  # of the square that a depth map covers
SOFTNESS = 3 * MM  # depth over which a shadow fades in


@dataclass(frozen=True)
class Shadows:
    """A shadow map for each direction: how near the nearest surface is to its light."""

    nearness: Floats  # [D, R, R] metres along the direction, -inf where nothing is
    axes: Floats  # [D, 3, 3] rows: right, up and towards the light
    half_width: float  # metres

    def visible(self, points: Floats, bias: Floats | float) -> Floats:
        """Share of each direction's light that reaches each point [N, D], in [0, 1].

        bias [N]: metres by which a surface must be in front before it shades.
        """
        biases = np.broadcast_to(np.asarray(bias, float), len(points))
        return _look_up(points, self.nearness, self.axes, self.half_width, biases)


def cast_shadows(
    vertices: Floats,
    faces: Ints,
    directions: Floats = DIRECTIONS,
    resolution: int = RESOLUTION,
    half_width: float = HALF_WIDTH,
) -> Shadows:
    """The shadows of triangles [M, 3] of vertices [V, 3] in light from directions [D, 3]."""
    axes = parallel_axes(directions)
    nearness = np.empty((len(axes), resolution, resolution), np.float32)
    for kept, towards in zip(nearness, axes, strict=True):
        corners = project_parallel(towards, vertices, half_width, resolution)
        kept[:] = rasterize(corners, faces, resolution, resolution, -np.inf).nearness
    return Shadows(nearness, axes, half_width)


@cached_njit(nogil=True)
def _look_up(points, nearness, axes, half_width, bias):  # pragma: no cover (compiled)
    visible = np.empty((len(points), len(axes)), np.float32)
    last = nearness.shape[1] - 1
    to_pixel = (last + 1) / (2 * half_width)
    for k in range(len(axes)):
        right, up, towards = axes[k, 0], axes[k, 1], axes[k, 2]
        for i in range(len(points)):
            px, py, pz = points[i, 0], points[i, 1], points[i, 2]
            x = (px * right[0] + py * right[1] + pz * right[2]) * to_pixel + last / 2
            y = (px * up[0] + py * up[1] + pz * up[2]) * to_pixel + last / 2
            z = px * towards[0] + py * towards[1] + pz * towards[2]
            left, bottom = math.floor(x), math.floor(y)
            tx, ty = x - left, y - bottom
            light = 0.0
            for row in range(2):
                for column in range(2):
                    h = min(max(bottom + row, 0), last)
                    w = min(max(left + column, 0), last)
                    lit = 1 - (nearness[k, h, w] - z - bias[i]) / SOFTNESS
                    share = (tx if column else 1 - tx) * (ty if row else 1 - ty)
                    light += min(max(lit, 0.0), 1.0) * share
            visible[i, k] = light
    return visible


CELL = 5 * MM
STEP = 7 * MM


@dataclass(frozen=True)
class Fog:
    """Optical density of hair."""

    density: Floats  # [X, Y, Z] per metre
    origin: Floats  # [3] metres

    def transmitted(self, points: Floats, skip: float, directions: Floats = DIRECTIONS) -> Floats:
        """Share of light from each direction that reaches each point [N, D], in [0, 1].

        skip: metres along the ray that do not count, so that a hair does not shade itself;
        directions [D, 3]: unit vectors towards the light.
        """
        return _march(points, self.density, self.origin, directions, skip)


def hair_fog(points: Floats, cross_sections: Floats, strength: float = 1.0) -> Fog:
    """Fog of hair pieces at points [N, 3] that block `cross_sections` [N] square metres each."""
    origin = points.min(0) - 4 * CELL
    shape = tuple(((points.max(0) - origin) / CELL).astype(int) + 5)
    voxels = tuple(((points - origin) / CELL).astype(int).T)
    density = np.zeros(shape)
    np.add.at(density, voxels, cross_sections * strength / CELL**3)
    return Fog(gaussian_filter(density, 0.7).astype(np.float32), origin)


@cached_njit(parallel=True)
def _march(points, density, origin, directions, skip):  # pragma: no cover (compiled)
    through = np.ones((len(points), len(directions)), np.float32)
    nx, ny, nz = density.shape
    for i in prange(len(points)):
        for k in range(len(directions)):
            blocked = 0.0
            distance = skip + 0.5 * STEP
            while blocked < 6.0:
                cx = int((points[i, 0] + distance * directions[k, 0] - origin[0]) / CELL)
                cy = int((points[i, 1] + distance * directions[k, 1] - origin[1]) / CELL)
                cz = int((points[i, 2] + distance * directions[k, 2] - origin[2]) / CELL)
                if cx < 0 or cy < 0 or cz < 0 or cx >= nx or cy >= ny or cz >= nz:
                    break
                blocked += density[cx, cy, cz] * STEP
                distance += STEP
            through[i, k] = math.exp(-blocked)
    return through


class Triangles(NamedTuple):
    """The sphere divided into triangles of neighbouring directions."""

    corners: Ints  # [T, 3] int32
    to_shares: Floats  # [T, 3, 3] float32: direction → shares of the corners
    across: Ints  # [T, 3] int32: the triangle on the other side of the edge opposite each corner


class DirectionBins(NamedTuple):
    """Light distributed among DIRECTIONS."""

    energy: Floats  # [D, 3] float32
    towards: Floats  # [D, 3] float32: mean direction of each light, DIRECTIONS where dark


@cache
def triangles() -> Triangles:
    """The Delaunay triangles of DIRECTIONS: those of their convex hull."""
    hull = ConvexHull(DIRECTIONS)
    inverse = np.linalg.inv(DIRECTIONS[hull.simplices].swapaxes(1, 2))
    return Triangles(
        hull.simplices.astype(np.int32), inverse.astype(np.float32), hull.neighbors.astype(np.int32)
    )


def into_bins(directions: Floats, energy: Floats) -> DirectionBins:
    """Distribute light from directions [P, 3] with energy [P, 3] among DIRECTIONS.

    Each sample is split among the three DIRECTIONS around it, so that energy is conserved and the
    result is continuous when the light turns; each bin stores the mean direction of its samples, so
    that cosines stay those of the samples.
    """
    samples = directions.astype(np.float32)
    light = np.ascontiguousarray(energy, np.float32)
    return DirectionBins(*_into_bins(samples, light, DIRECTIONS.astype(np.float32), *triangles()))


def shares_at(directions: Floats) -> tuple[Ints, Floats]:
    """The three of DIRECTIONS around each of directions [P, 3], and their shares, each [P, 3]."""
    return _shares(np.ascontiguousarray(directions, np.float32), *triangles())


@cached_njit(fastmath=True)
def _find(direction, to_shares, across, start):  # pragma: no cover (compiled)
    """The triangle around a direction [3]: a walk from the triangle `start`, always across the edge
    that the direction is farthest beyond; short where neighbours follow each other."""
    t = start
    for _ in range(len(to_shares)):
        worst, least = 0, np.float32(-1e-6)
        for corner in range(3):
            m = to_shares[t, corner]
            share = m[0] * direction[0] + m[1] * direction[1] + m[2] * direction[2]
            if share < least:
                worst, least = corner, share
        if least == np.float32(-1e-6):
            break
        t = across[t, worst]
    return t


@cached_njit(fastmath=True)
def _into_bins(
    samples, energy, directions, corners, to_shares, across
):  # pragma: no cover (compiled)
    bins, moments = np.zeros_like(directions), np.zeros_like(directions)
    t = 0
    for p in range(len(samples)):
        white = energy[p, 0] + energy[p, 1] + energy[p, 2]
        if white <= 0:
            continue
        t = _find(samples[p], to_shares, across, t)
        shares = _shares_in(samples[p], to_shares[t])
        for corner in range(3):
            d = corners[t, corner]
            for axis in range(3):
                bins[d, axis] += shares[corner] * energy[p, axis]
                moments[d, axis] += shares[corner] * white * samples[p, axis]
    for d in range(len(bins)):
        white = bins[d, 0] + bins[d, 1] + bins[d, 2]
        for axis in range(3):
            dark = white < np.float32(1e-12)
            moments[d, axis] = directions[d, axis] if dark else moments[d, axis] / white
    return bins, moments


@cached_njit(fastmath=True)
def _shares_in(direction, m):  # pragma: no cover (compiled)
    """Shares of the corners of a triangle, which add up to 1, in a direction [3]."""
    zero = np.float32(0)
    a = max(m[0, 0] * direction[0] + m[0, 1] * direction[1] + m[0, 2] * direction[2], zero)
    b = max(m[1, 0] * direction[0] + m[1, 1] * direction[1] + m[1, 2] * direction[2], zero)
    c = max(m[2, 0] * direction[0] + m[2, 1] * direction[1] + m[2, 2] * direction[2], zero)
    total = a + b + c
    return a / total, b / total, c / total


@cached_njit(fastmath=True)
def _shares(directions, corners, to_shares, across):  # pragma: no cover (compiled)
    found = np.empty((len(directions), 3), np.int32)
    shares = np.empty((len(directions), 3), np.float32)
    t = 0
    for p in range(len(directions)):
        t = _find(directions[p], to_shares, across, t)
        found[p] = corners[t]
        shares[p, 0], shares[p, 1], shares[p, 2] = _shares_in(directions[p], to_shares[t])
    return found, shares
