"""Visibility between DIRECTIONS: more rays wherever a shadow's edge passes, and what is kept of it.

A table is read by interpolation, so it holds what interpolates best: neither what is seen right at
a direction nor the mean around it, but most of the way from the mean to the least squares.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from avatar.light.cells import shares_at, triangles
from avatar.light.shadows import DIRECTIONS
from avatar.mesh.vectors import Bools, Floats, Ints, normalised

LEVELS = 2  # times that every triangle of directions is cut into four
SHARPENED = 0.7  # of the way from means to least squares, whose values do not stay within [0, 1]


class Finer(NamedTuple):
    """Directions halfway between others."""

    ends: Ints  # [d, 2] of all directions before
    directions: Floats  # [d, 3] unit


class Net(NamedTuple):
    """DIRECTIONS, then level by level what lies between them: P directions in all."""

    levels: tuple[Finer, ...]
    to_table: Floats  # [P, D] float32: what is seen towards each → table


def between(cast: Callable[[Floats, Bools], Bools], count: int) -> Floats:
    """The visibility [N, D] float32 of `count` points.

    cast: (directions [d, 3], asked [N, d]) → which rays meet nothing [N, d].
    """
    net = _net()
    seen = cast(DIRECTIONS, np.ones((count, len(DIRECTIONS)), bool))
    for finer in net.levels:
        one, other = seen[:, finer.ends[:, 0]], seen[:, finer.ends[:, 1]]
        edge = one != other
        rays = cast(finer.directions, edge)
        seen = np.concatenate([seen, np.where(edge, rays, one)], axis=1)
    return np.clip(seen.astype(np.float32) @ net.to_table, 0, 1)


@cache
def _net() -> Net:
    corners, places, levels = triangles().corners, DIRECTIONS, []
    for _ in range(LEVELS):
        corners, finer = _cut(corners, places)
        places = np.concatenate([places, finer.directions])
        levels.append(finer)
    return Net(tuple(levels), _to_table(corners, places))


def _cut(corners: Ints, places: Floats) -> tuple[Ints, Finer]:
    """Triangles [T, 3] between places [P, 3] each cut into four, and the new places."""
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    ends, number = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    ab, bc, ca = len(places) + number.reshape(3, -1)
    a, b, c = corners.T
    pieces = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    smaller = np.concatenate([np.stack(piece, axis=1) for piece in pieces])
    return smaller, Finer(ends, normalised(places[ends].sum(1)))


def _to_table(corners: Ints, places: Floats) -> Floats:
    a, b, c = places[corners].swapaxes(0, 1)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    weight = np.bincount(corners.ravel(), np.repeat(area, 3))  # [P] steradians
    hats = np.zeros((len(places), len(DIRECTIONS)))
    nearest, shares = shares_at(places)
    np.put_along_axis(hats, nearest, shares, axis=1)
    weighed = hats * weight[:, None]
    mean, least_squares = weighed / weighed.sum(0), weighed @ np.linalg.inv(hats.T @ weighed)
    return (mean + SHARPENED * (least_squares - mean)).astype(np.float32)
