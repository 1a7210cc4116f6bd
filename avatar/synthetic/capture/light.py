"""The lamps of the stage, and how much of each reaches every point of the sitter.

Light comes from a fixed set of directions. For each there is a map of what is nearest to it; a
point gets the directions' light that nothing nearer takes away, so folds are dark, and the mouth is
as dark as it is open.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.mesh.vectors import normalised, sphere_directions
from avatar.mesh.zbuffer import rasterize
from common.kernels import cached_njit

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

DIRECTIONS = sphere_directions(96)  # towards the light
RESOLUTION = 224
HALF_WIDTH = 0.21  # metres of the square that a map covers
FAR = 1.0  # metres added to depths, so that they are positive
BIAS, SOFTNESS = 0.0016, 0.003  # metres in front that do not shade yet; over which shade fades in
FINE, FINE_BIAS = 640, 0.0007  # resolution and bias for the finest folds
SCATTERED = 0.05  # share of a lit surface's light that reaches even the darkest fold
WRAP = (0.34, 0.16, 0.09)  # how far red, green and blue pass the terminator in skin
_PER_DIRECTION = 4 / len(DIRECTIONS)

# Towards each lamp, how focused it is, its colour times its strength.
_LAMPS = (
    ((-0.55, 0.45, 0.85), 5.0, (0.80, 0.77, 0.73)),
    ((0.70, 0.20, 0.75), 4.0, (0.50, 0.52, 0.55)),
    ((0.10, -0.45, 0.90), 4.0, (0.16, 0.15, 0.145)),
    ((0.55, 0.55, -0.70), 6.0, (0.36, 0.37, 0.39)),
    ((-0.70, 0.35, -0.60), 6.0, (0.24, 0.25, 0.26)),
)
SKY, SKY_TILT = 0.30, 0.45
LAMP_DIRECTIONS = normalised(np.array([lamp[0] for lamp in _LAMPS]))  # [L, 3]
LAMP_COLOURS = np.array([lamp[2] for lamp in _LAMPS])  # [L, 3]


def _lobes() -> Floats:
    """Share of each lamp that comes from each direction [D, L]; columns add up to 1."""
    focus = np.array([lamp[1] for lamp in _LAMPS])
    lobes = np.exp(focus * (DIRECTIONS @ LAMP_DIRECTIONS.T - 1))
    return lobes / lobes.sum(0)


LOBES = _lobes()
_SKY_COLOUR = np.outer(1 + SKY_TILT * DIRECTIONS[:, 1], [0.97, 0.99, 1.0]) * SKY * _PER_DIRECTION
RADIANCE = LOBES @ LAMP_COLOURS * math.pi / 2.2 + _SKY_COLOUR  # [D, 3]


@dataclass(frozen=True)
class Shades:
    """What is nearest to each direction of light."""

    depth: Floats  # [D, R, R] metres along the direction, plus FAR

    def visible(self, points: Floats, bias: Floats | float = BIAS) -> Floats:
        """Share [N, D] of each direction's light that reaches points [N, 3].

        bias [N]: metres by which something must be nearer to take light away.
        """
        biases = np.broadcast_to(np.asarray(bias, float), len(points))
        return _look_up(points, self.depth, DIRECTIONS, *_across(DIRECTIONS), biases)


def cast(vertices: Floats, faces: Ints, resolution: int = RESOLUTION) -> Shades:
    """What triangles [M, 3] of vertices [V, 3] take away from each direction."""
    to_pixel = resolution / (2 * HALF_WIDTH)
    maps = np.empty((len(DIRECTIONS), resolution, resolution), np.float32)
    projected = np.empty((len(vertices), 3))
    for k, (direction, right, up) in enumerate(zip(DIRECTIONS, *_across(DIRECTIONS), strict=True)):
        projected[:, 0] = vertices @ right * to_pixel + resolution / 2
        projected[:, 1] = vertices @ up * to_pixel + resolution / 2
        projected[:, 2] = vertices @ direction + FAR
        maps[k] = rasterize(projected, faces, resolution, resolution).nearness
    return Shades(maps)


def diffuse(normals: Floats, visible: Floats, softness: Floats) -> Floats:
    """Light [N, 3] that soft matter sends back per unit of its albedo.

    normals [N, 3]; visible [N, D]; softness [N] in [0, 1]: how far light wraps into the shadow.
    """
    facing = normals @ DIRECTIONS.T  # [N, D]
    light = np.empty((len(normals), 3))
    for channel, width in enumerate(WRAP):
        wrap = (width * softness)[:, None]
        received = np.clip((facing + wrap) / (1 + wrap), 0, None) / (1 + wrap / 2)
        light[:, channel] = (received * visible) @ RADIANCE[:, channel]
    return light + SCATTERED * RADIANCE.sum(0) / 2


def lamp_visibility(visible: Floats) -> Floats:
    """Share [N, L] of each lamp that reaches points, for their highlights."""
    return visible @ LOBES


def cavities(vertices: Floats, normals: Floats, faces: Ints) -> Floats:
    """How open [V] the surface is in its finest folds, from 0 to 1: nostrils, ears, lids."""
    fine = cast(vertices, faces, FINE)
    return fine.visible(vertices + normals * FINE_BIAS, FINE_BIAS).mean(1) * 2


def _across(directions: Floats) -> tuple[Floats, Floats]:
    """Unit vectors [D, 3] to the right of each direction and up from it."""
    x, _, z = directions.T
    right = normalised(np.stack([z, 0 * x, -x], 1))
    return right, np.cross(directions, right)


@cached_njit(nogil=True)
def _look_up(points, depth, directions, right, up, bias):  # pragma: no cover (compiled)
    visible = np.zeros((len(points), len(directions)))
    last = depth.shape[1] - 1
    to_pixel = (last + 1) / (2 * HALF_WIDTH)
    for k in range(len(directions)):
        for i in range(len(points)):
            px, py, pz = points[i, 0], points[i, 1], points[i, 2]
            x = (px * right[k, 0] + py * right[k, 1] + pz * right[k, 2]) * to_pixel
            y = (px * up[k, 0] + py * up[k, 1] + pz * up[k, 2]) * to_pixel
            z = px * directions[k, 0] + py * directions[k, 1] + pz * directions[k, 2] + FAR
            x += last / 2
            y += last / 2
            left, bottom = math.floor(x), math.floor(y)
            tx, ty = x - left, y - bottom
            light = 0.0
            for row in range(2):
                for column in range(2):
                    h = min(max(bottom + row, 0), last)
                    w = min(max(left + column, 0), last)
                    lit = 1 - (depth[k, h, w] - z - bias[i]) / SOFTNESS
                    share = (tx if column else 1 - tx) * (ty if row else 1 - ty)
                    light += min(max(lit, 0.0), 1.0) * share
            visible[i, k] = light
    return visible
