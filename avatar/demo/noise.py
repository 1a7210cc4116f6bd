"""Value noise in space: the same place and seed give the same value."""

import numpy as np

from avatar.demo.vectors import Floats, Ints

_PRIMES = (73856093, 19349663, 83492791)


def value_noise(points: Floats, frequency: float, seed: int = 0) -> Floats:
    """Smooth noise [N] in [-1, 1] at points [N, 3]; `frequency` in cells per metre."""
    scaled = points * frequency + seed * 17.3
    cell = np.floor(scaled).astype(np.int64)
    t = scaled - cell
    t = t * t * (3 - 2 * t)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(np.array(corner), t, 1 - t).prod(1)
        total += weight * _lattice(cell + np.array(corner), seed)
    return total * 2 - 1


def fractal_noise(points: Floats, frequency: float, octaves: int = 3, seed: int = 0) -> Floats:
    """A sum of value noises [N], each of twice the frequency and half the size of the last."""
    return np.sum(
        [value_noise(points, frequency * 2**k, seed + k) * 0.5**k for k in range(octaves)], axis=0
    )


def vector_noise(points: Floats, frequency: float, seed: int = 0) -> Floats:
    """Three independent value noises as vectors [N, 3]."""
    return np.stack([value_noise(points, frequency, seed + k) for k in range(3)], axis=1)


def _lattice(cells: Ints, seed: int) -> Floats:
    """Hash of integer cells [N, 3] to [0, 1]."""
    mixed = np.full(len(cells), seed * 2654435761)
    for axis, prime in enumerate(_PRIMES):
        mixed = mixed ^ (cells[:, axis] * prime)
    mixed = mixed & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65535.0
