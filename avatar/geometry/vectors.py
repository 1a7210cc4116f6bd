"""Small numpy helpers for points, directions and masks. Arrays are float64, points [N, 3]."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]

MM = 1e-3  # metres


def normalised(vectors: Floats) -> Floats:
    """Unit vectors [..., 3]; a vector of no length stays as short as it is."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def directions(yaw: ArrayLike, pitch: ArrayLike) -> Floats:
    """Unit vectors [..., 3] of angles [...] in radians to the left (+x) of +z and up."""
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], -1)


def dot(a: Floats, b: Floats) -> Floats:
    """Scalar products over the last axis, kept as an axis of one."""
    return (a * b).sum(-1, keepdims=True)


def smoothstep(start: Floats | float, end: Floats | float, x: ArrayLike) -> Floats:
    """0 at `start`, 1 at `end`, a cubic between; `start` may be the greater."""
    t = (np.asarray(x) - start) / (end - start)
    t = np.minimum(np.maximum(t, 0.0), 1.0)  # np.clip takes three times as long for one number
    return t * t * (3 - 2 * t)


def bell(x: ArrayLike, sigma: float) -> Floats:
    """A Gaussian bump of height 1."""
    return np.exp(-0.5 * (np.asarray(x) / sigma) ** 2)


def blob(x: Floats, y: Floats, centre: tuple[float, float], radii: tuple[float, float]) -> Floats:
    """A soft elliptical patch of height 1 in the plane of x and y."""
    return np.exp(-(((x - centre[0]) / radii[0]) ** 2) - ((y - centre[1]) / radii[1]) ** 2)


def mix(a: Floats, b: ArrayLike, amount: Floats) -> Floats:
    """a [N, 3] turned towards b [N, 3] or [3] by amount [N]."""
    return a + (np.asarray(b) - a) * amount[:, None]


def axes(tangents: Floats, normals: Floats) -> Floats:
    """Rotations [N, 3, 3] with columns tangent, normal, and their cross product.

    The tangent is kept, the normal is straightened against it.
    """
    along = normalised(tangents)
    across = normalised(np.cross(along, normals))
    return np.stack([along, np.cross(across, along), across], axis=-1)


def disc_axes(normals: Floats) -> Floats:
    """Rotations [N, 3, 3] of round discs: the second column is the normal."""
    upright = np.abs(normals[:, 1:2]) < 0.9
    return axes(np.cross(normals, np.where(upright, [[0.0, 1, 0]], [[1.0, 0, 0]])), normals)


def sphere_directions(count: int) -> Floats:
    """Evenly spread unit vectors [count, 3] (Fibonacci lattice)."""
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    turn = index * np.pi * (1 + 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)
