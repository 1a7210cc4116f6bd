"""Light of a synthetic capture, and how much of it reaches every point of the subject.

Light comes from a set of directions, each with a depth map; a point receives the directions that
nothing nearer occludes.
"""

import math

import numpy as np

from avatar.geometry.vectors import Floats, Ints, normalised, sphere_directions
from avatar.lighting.occlusion import Shadows, cast_shadows
from avatar.people.shading import wrapped

DIRECTIONS = sphere_directions(96)  # [D, 3] towards the light
RESOLUTION = 224
HALF_WIDTH = 0.21  # metres of the square that a map covers
BIAS = 0.0016  # metres in front that do not shade yet
SCATTERED = 0.05  # share of a lit surface's light that reaches even the darkest fold
WRAP = (0.34, 0.16, 0.09)  # how far red, green and blue pass the terminator in skin
_PER_DIRECTION = 4 / len(DIRECTIONS)

# Towards each lamp, how focused it is, its colour times its strength.
_LAMPS = (
    ((-0.55, 0.45, 0.85), 5.0, (0.66, 0.63, 0.60)),
    ((0.70, 0.20, 0.75), 4.0, (0.41, 0.43, 0.45)),
    ((0.10, -0.45, 0.90), 4.0, (0.13, 0.125, 0.12)),
    ((0.55, 0.55, -0.70), 6.0, (0.30, 0.305, 0.32)),
    ((-0.70, 0.35, -0.60), 6.0, (0.20, 0.205, 0.215)),
)
SKY, SKY_TILT = 0.25, 0.45
LAMP_LIGHT = math.pi / 2.2  # that a white surface which faces a lamp of colour 1 sends back


LAMPS = normalised(np.array([lamp[0] for lamp in _LAMPS]))  # [L, 3] towards the middle of each
COLOURS = np.array([lamp[2] for lamp in _LAMPS])  # [L, 3] of their highlights
_FOCUSED = np.exp(np.array([lamp[1] for lamp in _LAMPS]) * (DIRECTIONS @ LAMPS.T - 1))
LOBES = _FOCUSED / _FOCUSED.sum(0)  # [D, L] share of each lamp that comes from each direction
_SKY = np.outer(1 + SKY_TILT * DIRECTIONS[:, 1], [0.97, 0.99, 1.0]) * SKY * _PER_DIRECTION
RADIANCE = LOBES @ COLOURS * LAMP_LIGHT + _SKY
"""[D, 3] what white that faces each direction sends back of its light."""


def cast(vertices: Floats, faces: Ints) -> Shadows:
    """What triangles [M, 3] of vertices [V, 3] take away from each of DIRECTIONS."""
    return cast_shadows(vertices, faces, DIRECTIONS, RESOLUTION, HALF_WIDTH)


def diffuse(normals: Floats, visible: Floats, softness: Floats) -> Floats:
    """Light [N, 3] that soft matter sends back per unit of its albedo.

    normals [N, 3]; visible [N, D]; softness [N] in [0, 1]: how far light wraps into the shadow.
    """
    facing = normals @ DIRECTIONS.T  # [N, D]
    sent = np.empty((len(normals), 3))
    for channel, width in enumerate(WRAP):
        received = wrapped(facing, (width * softness)[:, None])
        sent[:, channel] = (received * visible) @ RADIANCE[:, channel]
    return sent + SCATTERED * RADIANCE.sum(0) / 2
