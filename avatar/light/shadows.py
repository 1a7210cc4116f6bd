"""Soft light: many directions, each with a depth map of what stands in it, give shadows."""

import math
from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import MM, Floats, Ints, sphere_directions
from avatar.mesh.zbuffer import parallel_axes, project_parallel, rasterize
from common.kernels import cached_njit

DIRECTIONS = sphere_directions(224)  # towards the light
RESOLUTION = 384
HALF_WIDTH = 200 * MM  # of the square that a depth map covers
SOFTNESS = 3 * MM  # depth over which a shadow fades in


@dataclass(frozen=True)
class Shadows:
    """How near the nearest surface is to each direction's light, on a grid across it."""

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
