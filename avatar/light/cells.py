"""The directions that visibility is kept for, and light shared out among them."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull

from avatar.light.shadows import DIRECTIONS
from avatar.mesh.vectors import Floats, Ints
from common.kernels import cached_njit

MOST = 8  # triangles that meet at a direction


class Triangles(NamedTuple):
    """The sphere cut into triangles between neighbouring directions."""

    corners: Ints  # [T, 3] int32
    to_shares: Floats  # [T, 3, 3] float32: direction → shares of the corners
    around: Ints  # [D, MOST] int32 triangles at each direction, -1 behind the last
    directions: Floats  # [D, 3] float32


@cache
def triangles() -> Triangles:
    """The Delaunay triangles of DIRECTIONS: those of their convex hull."""
    corners = ConvexHull(DIRECTIONS).simplices
    around = np.full((len(DIRECTIONS), MOST), -1, np.int32)
    filled = np.zeros(len(DIRECTIONS), int)
    for number, triangle in enumerate(corners):
        around[triangle, filled[triangle]] = number
        filled[triangle] += 1
    inverse = np.linalg.inv(DIRECTIONS[corners].swapaxes(1, 2))
    return Triangles(
        corners.astype(np.int32),
        inverse.astype(np.float32),
        around,
        DIRECTIONS.astype(np.float32),
    )


def into_cells(directions: Floats, energy: Floats) -> Floats:
    """Light of places [P, 3] with energy [P, 3] as that of DIRECTIONS [D, 3], float32.

    A place is shared out among the three directions around it, so that their weighted sum points to
    it, and so that no energy is lost or won: nothing jumps when the light turns.
    """
    return _into_cells(
        directions.astype(np.float32), np.ascontiguousarray(energy, np.float32), *triangles()
    )


def shares_at(directions: Floats) -> tuple[Ints, Floats]:
    """The three of DIRECTIONS around each of directions [P, 3], and their shares, each [P, 3]."""
    return _shares(np.ascontiguousarray(directions, np.float32), *triangles())


@cached_njit(fastmath=True)
def _find(place, to_shares, around, towards):  # pragma: no cover (compiled)
    """The triangle that a direction [3] lies in: among those at the two directions nearest to it,
    for that of the nearest alone may not hold it."""
    nearest, second, best, next_best = 0, 0, np.float32(-2), np.float32(-2)
    for d in range(len(towards)):
        cosine = place[0] * towards[d, 0] + place[1] * towards[d, 1] + place[2] * towards[d, 2]
        if cosine > best:
            nearest, second, best, next_best = d, nearest, cosine, best
        elif cosine > next_best:
            second, next_best = d, cosine
    found, least = around[nearest, 0], np.float32(-9)
    for corner in (nearest, second):
        for t in around[corner]:
            if t < 0:
                break
            smallest = np.float32(9)
            for row in range(3):
                m = to_shares[t, row]
                smallest = min(smallest, m[0] * place[0] + m[1] * place[1] + m[2] * place[2])
            if smallest > least:
                found, least = t, smallest
    return found


@cached_njit(fastmath=True)
def _into_cells(places, energy, corners, to_shares, around, towards):  # pragma: no cover (compiled)
    cells = np.zeros((len(towards), 3), np.float32)
    for p in range(len(places)):
        if energy[p, 0] + energy[p, 1] + energy[p, 2] <= 0:
            continue
        t = _find(places[p], to_shares, around, towards)
        shares = _shares_in(places[p], to_shares[t])
        for corner in range(3):
            for channel in range(3):
                cells[corners[t, corner], channel] += shares[corner] * energy[p, channel]
    return cells


@cached_njit(fastmath=True)
def _shares_in(place, m):  # pragma: no cover (compiled)
    """Shares of the corners of a triangle, which add up to 1, in a direction [3]."""
    zero = np.float32(0)
    a = max(m[0, 0] * place[0] + m[0, 1] * place[1] + m[0, 2] * place[2], zero)
    b = max(m[1, 0] * place[0] + m[1, 1] * place[1] + m[1, 2] * place[2], zero)
    c = max(m[2, 0] * place[0] + m[2, 1] * place[1] + m[2, 2] * place[2], zero)
    total = a + b + c
    return a / total, b / total, c / total


@cached_njit(fastmath=True)
def _shares(places, corners, to_shares, around, towards):  # pragma: no cover (compiled)
    found = np.empty((len(places), 3), np.int32)
    shares = np.empty((len(places), 3), np.float32)
    for p in range(len(places)):
        t = _find(places[p], to_shares, around, towards)
        found[p] = corners[t]
        shares[p, 0], shares[p, 1], shares[p, 2] = _shares_in(places[p], to_shares[t])
    return found, shares
