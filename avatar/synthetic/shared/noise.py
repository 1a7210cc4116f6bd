"""Value noise in space: the same place and seed give the same value."""

import math

import numpy as np

from avatar.mesh.vectors import Floats
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
