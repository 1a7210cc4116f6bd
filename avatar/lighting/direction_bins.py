"""Bins of direction, for which visibility is stored and among which light is distributed."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull

from avatar.geometry.vectors import Floats, Ints
from avatar.lighting.occlusion import DIRECTIONS
from common.kernels import cached_njit


class Triangles(NamedTuple):
    """The sphere divided into triangles of neighbouring directions."""

    corners: Ints  # [T, 3] int32
    to_shares: Floats  # [T, 3, 3] float32: direction → shares of the corners
    across: Ints  # [T, 3] int32: the triangle on the other side of the edge opposite each corner


class DirectionBins(NamedTuple):
    """Light distributed among DIRECTIONS."""

    energy: Floats  # [D, 3] float32
    towards: Floats  # [D, 3] float32: mean direction of each light, DIRECTIONS where dark


@cache
def triangles() -> Triangles:
    """The Delaunay triangles of DIRECTIONS: those of their convex hull."""
    hull = ConvexHull(DIRECTIONS)
    inverse = np.linalg.inv(DIRECTIONS[hull.simplices].swapaxes(1, 2))
    return Triangles(
        hull.simplices.astype(np.int32), inverse.astype(np.float32), hull.neighbors.astype(np.int32)
    )


def into_bins(directions: Floats, energy: Floats) -> DirectionBins:
    """Distribute light from directions [P, 3] with energy [P, 3] among DIRECTIONS.

    Each sample is split among the three DIRECTIONS around it, so that energy is conserved and the
    result is continuous when the light turns; each bin stores the mean direction of its samples, so
    that cosines stay those of the samples.
    """
    samples = directions.astype(np.float32)
    light = np.ascontiguousarray(energy, np.float32)
    return DirectionBins(*_into_bins(samples, light, DIRECTIONS.astype(np.float32), *triangles()))


def shares_at(directions: Floats) -> tuple[Ints, Floats]:
    """The three of DIRECTIONS around each of directions [P, 3], and their shares, each [P, 3]."""
    return _shares(np.ascontiguousarray(directions, np.float32), *triangles())


@cached_njit(fastmath=True)
def _find(direction, to_shares, across, start):  # pragma: no cover (compiled)
    """The triangle around a direction [3]: a walk from the triangle `start`, always across the edge
    that the direction is farthest beyond; short where neighbours follow each other."""
    t = start
    for _ in range(len(to_shares)):
        worst, least = 0, np.float32(-1e-6)
        for corner in range(3):
            m = to_shares[t, corner]
            share = m[0] * direction[0] + m[1] * direction[1] + m[2] * direction[2]
            if share < least:
                worst, least = corner, share
        if least == np.float32(-1e-6):
            break
        t = across[t, worst]
    return t


@cached_njit(fastmath=True)
def _into_bins(
    samples, energy, directions, corners, to_shares, across
):  # pragma: no cover (compiled)
    bins, moments = np.zeros_like(directions), np.zeros_like(directions)
    t = 0
    for p in range(len(samples)):
        white = energy[p, 0] + energy[p, 1] + energy[p, 2]
        if white <= 0:
            continue
        t = _find(samples[p], to_shares, across, t)
        shares = _shares_in(samples[p], to_shares[t])
        for corner in range(3):
            d = corners[t, corner]
            for axis in range(3):
                bins[d, axis] += shares[corner] * energy[p, axis]
                moments[d, axis] += shares[corner] * white * samples[p, axis]
    for d in range(len(bins)):
        white = bins[d, 0] + bins[d, 1] + bins[d, 2]
        for axis in range(3):
            dark = white < np.float32(1e-12)
            moments[d, axis] = directions[d, axis] if dark else moments[d, axis] / white
    return bins, moments


@cached_njit(fastmath=True)
def _shares_in(direction, m):  # pragma: no cover (compiled)
    """Shares of the corners of a triangle, which add up to 1, in a direction [3]."""
    zero = np.float32(0)
    a = max(m[0, 0] * direction[0] + m[0, 1] * direction[1] + m[0, 2] * direction[2], zero)
    b = max(m[1, 0] * direction[0] + m[1, 1] * direction[1] + m[1, 2] * direction[2], zero)
    c = max(m[2, 0] * direction[0] + m[2, 1] * direction[1] + m[2, 2] * direction[2], zero)
    total = a + b + c
    return a / total, b / total, c / total


@cached_njit(fastmath=True)
def _shares(directions, corners, to_shares, across):  # pragma: no cover (compiled)
    found = np.empty((len(directions), 3), np.int32)
    shares = np.empty((len(directions), 3), np.float32)
    t = 0
    for p in range(len(directions)):
        t = _find(directions[p], to_shares, across, t)
        found[p] = corners[t]
        shares[p, 0], shares[p, 1], shares[p, 2] = _shares_in(directions[p], to_shares[t])
    return found, shares
