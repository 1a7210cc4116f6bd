"""The lamps of the stage, and how much of each reaches every point of the sitter.

Light comes from a fixed set of directions. For each there is a map of what is nearest to it; a
point gets the directions' light that nothing nearer takes away, so folds are dark, and the mouth is
as dark as it is open.
"""

import math

import numpy as np

from avatar.light.shadows import Shadows, cast_shadows
from avatar.mesh.vectors import Floats, Ints, normalised, sphere_directions
from avatar.synthetic.shared.light import wrapped

DIRECTIONS = sphere_directions(96)  # towards the light
RESOLUTION = 224
HALF_WIDTH = 0.21  # metres of the square that a map covers
BIAS = 0.0016  # metres in front that do not shade yet
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


def cast(vertices: Floats, faces: Ints, resolution: int = RESOLUTION) -> Shadows:
    """What triangles [M, 3] of vertices [V, 3] take away from each direction of the stage."""
    return cast_shadows(vertices, faces, DIRECTIONS, resolution, HALF_WIDTH)


def diffuse(normals: Floats, visible: Floats, softness: Floats) -> Floats:
    """Light [N, 3] that soft matter sends back per unit of its albedo.

    normals [N, 3]; visible [N, D]; softness [N] in [0, 1]: how far light wraps into the shadow.
    """
    facing = normals @ DIRECTIONS.T  # [N, D]
    light = np.empty((len(normals), 3))
    for channel, width in enumerate(WRAP):
        received = wrapped(facing, (width * softness)[:, None])
        light[:, channel] = (received * visible) @ RADIANCE[:, channel]
    return light + SCATTERED * RADIANCE.sum(0) / 2


def lamp_visibility(visible: Floats) -> Floats:
    """Share [N, L] of each lamp that reaches points, for their highlights."""
    return visible @ LOBES


def cavities(vertices: Floats, normals: Floats, faces: Ints) -> Floats:
    """How open [V] the surface is in its finest folds, from 0 to 1: nostrils, ears, lids."""
    fine = cast(vertices, faces, FINE)
    return fine.visible(vertices + normals * FINE_BIAS, FINE_BIAS).mean(1) * 2
