"""Occlusion of light from many directions: by meshes, with a shadow map for each direction, and by
hair, as a fog of optical density on a coarse grid.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import prange
from scipy.ndimage import gaussian_filter

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
