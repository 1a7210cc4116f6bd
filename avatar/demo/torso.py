"""The body below the cut of the neck: throat, shoulders and chest as rings around the rim."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from avatar.demo.vectors import MM, Floats, Ints, smoothstep

RINGS = 26
# Downward from the middle of the rim (mm): height, half width beyond the rim's, front and back
# half depth beyond the rim's, how much lower the front lies than the middle, shift forward.
_PROFILE = np.array(
    [
        [0, 0, 0, 0, 4, 0],
        [-12, 0, -1, 1, 4, -2],
        [-24, 2, -1, 4, 6, -4],
        [-34, 8, 0, 8, 10, -5],
        [-42, 22, 4, 13, 13, -5],
        [-48, 44, 9, 18, 14, -4],
        [-55, 74, 16, 24, 12, -2],
        [-66, 102, 26, 29, 8, 0],
        [-86, 122, 36, 34, 4, 1],
        [-120, 133, 43, 38, 0, 2],
    ]
)


def torso_vertices(rim: Floats) -> Floats:
    """Rings [RINGS * B, 3] below the neck's rim [B, 3], the rim itself not among them."""
    middle = (rim.max(0) + rim.min(0)) / 2
    half_width, half_depth = ((rim.max(0) - rim.min(0)) / 2)[[0, 2]]
    angle = np.arctan2((rim[:, 2] - middle[2]) / half_depth, (rim[:, 0] - middle[0]) / half_width)
    profile = _profile_rows(np.linspace(0, 1, RINGS + 1)[1:])
    rings = [_ring(row, angle, half_width, half_depth) + middle for row in profile]
    settle = smoothstep(0, 0.30, np.linspace(0, 1, RINGS + 1)[1:])
    drop = rim - _ring(_profile_rows(np.zeros(1))[0], angle, half_width, half_depth) - middle
    for index, share in enumerate(settle):
        rings[index] += (1 - share) * drop
        drop = (2 * drop + np.roll(drop, 1, axis=0) + np.roll(drop, -1, axis=0)) / 4
    return np.concatenate(rings)


def ring_depths() -> Floats:
    """How far [RINGS] each ring lies below the rim, along the profile, in metres."""
    return np.linspace(0, 1, RINGS + 1)[1:] * _profile_length()[-1] * MM


def _profile_length() -> Floats:
    steps = np.linalg.norm(np.diff(_PROFILE[:, :2] * [1, 0.7], axis=0), axis=1)
    return np.concatenate([[0], np.cumsum(steps)])


def _profile_rows(t: Floats) -> Floats:
    """The profile at shares t [R] of its length, in metres."""
    length = _profile_length()
    return PchipInterpolator(length, _PROFILE)(t * length[-1]) * MM


def _ring(row: Floats, angle: Floats, half_width: float, half_depth: float) -> Floats:
    height, wider, front, back, tilt, forward = row
    x, z = np.cos(angle), np.sin(angle)
    depth = np.where(z > 0, front, back) + half_depth
    sloped = height - tilt * z
    return np.stack([x * (half_width + wider), sloped, z * depth + forward], axis=1)


def torso_faces(rim: Ints, first: int) -> Ints:
    """Triangles [2 * RINGS * B, 3] from the rim's vertices [B] down rings numbered from `first`.

    The rim runs as the open edges of the head's faces do; the triangles face outwards.
    """
    count = len(rim)
    rows = np.concatenate([rim[None], first + np.arange(RINGS * count).reshape(RINGS, count)])
    upper, lower = rows[:-1], rows[1:]
    after_upper, after_lower = np.roll(upper, -1, axis=1), np.roll(lower, -1, axis=1)
    one = np.stack([after_upper, upper, lower], axis=-1).reshape(-1, 3)
    two = np.stack([after_upper, lower, after_lower], axis=-1).reshape(-1, 3)
    return np.concatenate([one, two])
