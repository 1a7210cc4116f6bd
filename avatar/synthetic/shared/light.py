"""Soft light: many directions, each with a depth map of the head, give shadows and occlusion."""

import math
from dataclasses import dataclass

import numpy as np
from numba import prange

from avatar.mesh.vectors import MM, Floats, Ints, normalised, sphere_directions
from avatar.synthetic.shared.surface import Mesh
from common.kernels import cached_njit

DIRECTIONS = sphere_directions(224)  # towards the light
RESOLUTION = 384
HALF_WIDTH = 200 * MM  # of the square that a depth map covers
SOFTNESS = 3 * MM  # depth over which a shadow fades in


@dataclass(frozen=True)
class Shadows:
    """Depth of the nearest surface towards each direction, on a grid across it."""

    depth: Floats  # [D, RESOLUTION, RESOLUTION] metres along the direction
    directions: Floats  # [D, 3] unit vectors towards the light

    def visible(self, points: Floats, bias: float) -> Floats:
        """Share of each direction's light that reaches each point [N, D], in [0, 1].

        bias: metres by which a surface must be in front before it shades.
        """
        return _look_up(points, self.depth, self.directions, *_across(self.directions), bias)


def cast_shadows(surface: Mesh, triangles: Ints, directions: Floats = DIRECTIONS) -> Shadows:
    """Depth maps of the given triangles [m] of a mesh, towards directions [D, 3]."""
    faces = surface.faces[triangles]
    depth = _depth_maps(surface.vertices, faces, directions, *_across(directions))
    return Shadows(depth, directions)


def _across(directions: Floats) -> tuple[Floats, Floats]:
    """Unit vectors [D, 3] to the right of each direction and up from it."""
    x, _, z = directions.T
    right = normalised(np.stack([z, 0 * x, -x], 1))
    return right, np.cross(directions, right)


@cached_njit(parallel=True)
def _depth_maps(vertices, faces, directions, right, up):  # pragma: no cover (compiled)
    depth = np.full((len(directions), RESOLUTION, RESOLUTION), -1e9, np.float32)
    to_pixel = RESOLUTION / (2 * HALF_WIDTH)
    for k in prange(len(directions)):
        x = vertices @ right[k] * to_pixel + RESOLUTION / 2
        y = vertices @ up[k] * to_pixel + RESOLUTION / 2
        z = vertices @ directions[k]
        for f in range(len(faces)):
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            area = (y[b] - y[c]) * (x[a] - x[c]) + (x[c] - x[b]) * (y[a] - y[c])
            if abs(area) < 1e-9:
                continue
            row_end = min(RESOLUTION, int(max(y[a], y[b], y[c])) + 1)
            column_end = min(RESOLUTION, int(max(x[a], x[b], x[c])) + 1)
            for row in range(max(0, int(min(y[a], y[b], y[c]))), row_end):
                for column in range(max(0, int(min(x[a], x[b], x[c]))), column_end):
                    dx, dy = column + 0.5 - x[c], row + 0.5 - y[c]
                    s = ((y[b] - y[c]) * dx + (x[c] - x[b]) * dy) / area
                    t = ((y[c] - y[a]) * dx + (x[a] - x[c]) * dy) / area
                    if s >= 0 and t >= 0 and s + t <= 1:
                        here = s * z[a] + t * z[b] + (1 - s - t) * z[c]
                        if here > depth[k, row, column]:
                            depth[k, row, column] = here
    return depth


@cached_njit(parallel=True)
def _look_up(points, depth, directions, right, up, bias):  # pragma: no cover (compiled)
    visible = np.zeros((len(points), len(directions)), np.float32)
    to_pixel = RESOLUTION / (2 * HALF_WIDTH)
    last = RESOLUTION - 1
    for i in prange(len(points)):
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        for k in range(len(directions)):
            x = (px * right[k, 0] + py * right[k, 1] + pz * right[k, 2]) * to_pixel
            y = (px * up[k, 0] + py * up[k, 1] + pz * up[k, 2]) * to_pixel
            z = px * directions[k, 0] + py * directions[k, 1] + pz * directions[k, 2]
            x += RESOLUTION / 2 - 0.5
            y += RESOLUTION / 2 - 0.5
            left, bottom = math.floor(x), math.floor(y)
            tx, ty = x - left, y - bottom
            light = 0.0
            for row in range(2):
                for column in range(2):
                    h = min(max(bottom + row, 0), last)
                    w = min(max(left + column, 0), last)
                    lit = 1 - (depth[k, h, w] - z - bias) / SOFTNESS
                    share = (tx if column else 1 - tx) * (ty if row else 1 - ty)
                    light += min(max(lit, 0.0), 1.0) * share
            visible[i, k] = light
    return visible
