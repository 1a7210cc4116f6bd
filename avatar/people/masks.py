"""Masks of the parts of the mean head, and value noise in space.

Masks take points [N, 3] in millimetres of head space and give values [N] in [0, 1]. Noise depends
on the position and the seed alone.
"""

import math
from collections.abc import Callable

import numpy as np

from avatar.geometry.vectors import MM, Bools, Floats, Ints, bell, blob, smoothstep
from common.kernels import cached_njit


def value_noise(points: Floats, frequency: float, seed: int = 0) -> Floats:
    """Smooth noise [N] in [-1, 1] at points [N, 3]; `frequency` in cells per metre."""
    return _value_noise(np.asarray(points, float), float(frequency), int(seed))


def fractal_noise(points: Floats, frequency: float, octaves: int = 3, seed: int = 0) -> Floats:
    """A sum of value noises [N], each of twice the frequency and half the size of the last."""
    return np.sum(
        [value_noise(points, frequency * 2**k, seed + k) * 0.5**k for k in range(octaves)], axis=0
    )


def vector_noise(points: Floats, frequency: float, seed: int = 0) -> Floats:
    """Three independent value noises as vectors [N, 3]."""
    return np.stack([value_noise(points, frequency, seed + k) for k in range(3)], axis=1)


@cached_njit()
def _value_noise(points, frequency, seed):  # pragma: no cover (compiled)
    values = np.empty(len(points))
    shift = seed * 17.3
    for i in range(len(points)):
        x, y, z = (
            points[i, 0] * frequency + shift,
            points[i, 1] * frequency + shift,
            points[i, 2] * frequency + shift,
        )
        h, k, l = math.floor(x), math.floor(y), math.floor(z)
        u, v, w = _ease(x - h), _ease(y - k), _ease(z - l)
        total = 0.0
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                    total += weight * _lattice(h + a, k + b, l + c, seed)
        values[i] = total * 2 - 1
    return values


@cached_njit()
def _ease(t):  # pragma: no cover (compiled)
    return t * t * (3 - 2 * t)


@cached_njit()
def _lattice(h, k, l, seed):  # pragma: no cover (compiled)
    """Hash of an integer cell to [0, 1]."""
    mixed = seed * 2654435761 ^ (h * 73856093) ^ (k * 19349663) ^ (l * 83492791)
    mixed = mixed & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65535.0


LIP_LINE = -49.0  # height at which the lips meet
LIP_HALF_WIDTH = 26.2
LID, EYES_ABOVE = 1.2 * MM, 2.0  # what blinks move farther, above this height, is eye region
SKULL_CENTRE = np.array([0.0, 35.0, 0.0])
# Height of the hairline in degrees above the skull's centre, by degrees from the front.
_AZIMUTH = [0, 15, 30, 42, 52, 62, 70, 76, 81, 88, 98, 112, 122, 135, 150, 180]
_HAIRLINE = [29.5, 29, 28, 25, 19.5, 10.5, 2, -11, -8, -1, 2, -6, -24, -38, -43, -44]


def above_hairline(points: Floats) -> Floats:
    """Degrees [N] by which points lie above the hairline, seen from the skull's centre."""
    x, y, z = (points - SKULL_CENTRE).T
    azimuth = np.degrees(np.arctan2(np.abs(x), z))
    elevation = np.degrees(np.arctan2(y, np.hypot(x, z)))
    return elevation - np.interp(azimuth, _AZIMUTH, _HAIRLINE)


def ear_mask(points: Floats) -> Floats:
    """The part of the ears that stands off the head."""
    x, y, _ = points.T
    return smoothstep(71, 75, np.abs(x)) * (1 - smoothstep(32, 37, y)) * smoothstep(-30, -20, y)


def scalp_mask(points: Floats) -> Floats:
    """Skin that hair grows on, with an uneven edge."""
    uneven = 1.3 * fractal_noise(points * MM, 110.0, 2, 5)
    grown = smoothstep(-2.5, 5, above_hairline(points) + uneven)
    return grown * (1 - ear_mask(points)) * smoothstep(-50, -35, points[:, 1])


# Height in millimetres above which no beard grows, by degrees from the front.
_BEARD_AZIMUTH = [0, 12, 20, 30, 42, 55, 62, 68, 73, 90]
_BEARD_TOP = [-33, -34, -41, -44, -40, -34, -24, -4, 30, 30]
_BEARD_BACK = (-60, -35), (91, 82)  # heights, and degrees from the front up to which it grows
JAW_SLOPE = 2 / 3  # by how much the jaw falls from below the ear for each millimetre to the front


def jaw_fall(points: Floats) -> Floats:
    """By how many millimetres [N] the jaw is lower at points than below the ear."""
    return JAW_SLOPE * np.maximum(points[:, 2], 0)


def beard_mask(points: Floats) -> Floats:
    """Skin that a beard can grow on, up to the hair before the ears and down to the throat."""
    x, y, z = points.T
    azimuth = np.degrees(np.arctan2(np.abs(x), z))
    uneven = 4 * fractal_noise(points * MM, 110.0, 2, 6)
    grown = smoothstep(-4, 4, np.interp(azimuth, _BEARD_AZIMUTH, _BEARD_TOP) - y + uneven)
    grown *= smoothstep(6, -6, azimuth - np.interp(y, *_BEARD_BACK))
    grown *= smoothstep(-78, -62, y + jaw_fall(points) + uneven)
    return grown * (1 - ear_mask(points)) * (1 - lip_mask(points))


def lip_mask(points: Floats) -> Floats:
    """The red of the lips, from a curve above with its cupid's bow and a curve below."""
    x, y, z = points.T
    across = np.abs(x)
    t = np.clip(across / LIP_HALF_WIDTH, 0, 1)
    bow = 1.2 * bell(across - 5.5, 3.0) - 1.0 * bell(x, 2.0)
    top = LIP_LINE + 0.2 + 9.8 * np.sqrt(np.clip(1 - t**1.75, 0, 1)) + bow
    bottom = LIP_LINE + 0.2 - 11.2 * np.sqrt(np.clip(1 - t**2.1, 0, 1))
    inside = smoothstep(-1.5, 1.3, top - y) * smoothstep(-1.8, 1.5, y - bottom)
    corner = 1 - smoothstep(LIP_HALF_WIDTH - 1.0, LIP_HALF_WIDTH + 0.8, across)
    return inside * corner * smoothstep(81, 87, z)


def feature_triangles(
    vertices: Floats, faces: Ints, blink: Floats, inner: Bools
) -> tuple[Bools, Bools]:
    """Which triangles [M] are mouth and which are lids, of a mesh [V, 3] in metres like the mean
    head; blink [V]: metres that blinks move vertices; inner [V]: those inside the mouth."""
    centres = vertices[faces].mean(1) / MM
    mouth = (lip_mask(centres) > 0.5) | inner[faces].any(1)
    return mouth, (blink[faces].min(1) > LID) & (centres[:, 1] > EYES_ABOVE)


def _patch(
    centre: tuple[float, float], radii: tuple[float, float], depth: tuple[float, float]
) -> Callable[[Floats], Floats]:
    """The mask of an ellipse in x and y on both sides of the face, in front of a depth in z."""

    def mask(points: Floats) -> Floats:
        x, y, z = points.T
        return blob(np.abs(x), y, centre, radii) * smoothstep(*depth, z)

    return mask


cheek_mask = _patch((40, -12), (19, 18), (35, 65))
nose_mask = _patch((0, -18), (13, 13), (95, 105))
forehead_mask = _patch((0, 66), (34, 24), (45, 65))


def head_mask(points: Floats) -> Floats:
    """The head above the jaw, but for its back."""
    _, y, z = points.T
    return smoothstep(-50, -30, z) * smoothstep(-80, -60, y)


def face_mask(points: Floats) -> Floats:
    """The face proper, where samples lie close."""
    _, y, z = points.T
    return smoothstep(40, 70, z) * smoothstep(-95, -70, y) * (1 - smoothstep(80, 120, y))
