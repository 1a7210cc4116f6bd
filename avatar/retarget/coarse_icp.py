"""`icp.refine` in Numba for very many starts at once: a grid gives the scan's point nearest to each
of its cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import Floats, Ints
from avatar.retarget.icp import AGREE, FAR, Poses, Scan, TemplatePoints, solved
from common.kernels import cached_njit
from common.parallel import spread

TOGETHER = 500  # poses that a thread refines at a time
CELLS = 72  # along the longest side of the scan
MARGIN = 0.1  # of that side, around the scan


@dataclass(frozen=True)
class Volume:
    """A grid around points with the point nearest to each cell."""

    nearest_point: Ints  # [X, Y, Z]
    corner: Floats  # [3]
    cell: float

    @staticmethod
    def of(points: Floats) -> "Volume":
        """The grid around points [Q, 3]."""
        longest = float(np.ptp(points, axis=0).max())
        corner = points.min(0) - MARGIN * longest
        cell = (1 + 2 * MARGIN) * longest / CELLS
        cells = ((points - corner) / cell).astype(int)
        number = np.full(cells.max(0) + int(MARGIN * longest / cell) + 1, -1)
        number[tuple(cells.T)] = np.arange(len(points))
        nearest = distance_transform_edt(number < 0, return_distances=False, return_indices=True)
        return Volume(number[tuple(np.asarray(nearest))], corner, cell)

    def nearest(self, positions: Floats) -> Ints:
        """The point [...] nearest to the cell of each of positions [..., 3]."""
        last = np.array(self.nearest_point.shape) - 1
        cells = np.clip(np.floor((positions - self.corner) / self.cell).astype(int), 0, last)
        return self.nearest_point[tuple(np.moveaxis(cells, -1, 0))]


def refine_all(
    scan: Scan, volume: Volume, starts: Poses, head: TemplatePoints, reaches: Sequence[float]
) -> tuple[Poses, Floats]:
    """`refine` and `mean_distance` [B] of every start."""
    surfaces = (volume.nearest_point, volume.corner, volume.cell, scan.points, scan.normals)
    surfaces += (head.points, head.normals)

    def refined(rows: Ints) -> tuple[Poses, Floats]:
        poses = starts.at(rows)
        for reach in reaches:
            equations = _equations(poses.scale, poses.rotation, poses.translation, *surfaces, reach)
            poses = poses.then(solved(*equations))
        return poses, _distances(poses.scale, poses.rotation, poses.translation, *surfaces)

    every = np.arange(len(starts.scale))
    parts = np.array_split(every, range(TOGETHER, len(every), TOGETHER))
    poses, distances = zip(*spread(refined, parts), strict=True)
    return concatenated(poses), np.concatenate(distances)


@cached_njit(fastmath=True)
def _equations(
    scales, turns, shifts, nearest, corner, cell, points, normals, marks, facing, reach
):  # pragma: no cover (compiled)
    """The normal equations of a step for each pose: [B, 7, 7], [B, 7] and their centres [B, 3]."""
    systems, rights = np.zeros((len(scales), 7, 7)), np.zeros((len(scales), 7))
    middles = np.zeros((len(scales), 3))
    at, on = np.empty((len(marks), 3)), np.empty((len(marks), 3))
    shares, row = np.empty(len(marks)), np.empty(7)
    for b in range(len(scales)):
        total = 0.0
        for p in range(len(marks)):
            index = _nearest(scales[b], turns[b], shifts[b], nearest, corner, cell, marks[p])
            _transform(scales[b], turns[b], shifts[b], points[index], normals[index], at[p], on[p])
            squared, cosine = _compare(at[p], on[p], marks[p], facing[p])
            shares[p] = (1 / (1 + squared / reach**2)) ** 2 if cosine > AGREE else 0.0
            total += shares[p]
            for axis in range(3):
                middles[b, axis] += shares[p] * at[p, axis]
        if total < 1e-6:
            continue
        middles[b] /= total
        for p in range(len(marks)):
            if shares[p] == 0.0:
                continue
            x, y, z = at[p, 0] - middles[b, 0], at[p, 1] - middles[b, 1], at[p, 2] - middles[b, 2]
            u, v, w = on[p, 0], on[p, 1], on[p, 2]
            row[0], row[1], row[2] = y * w - z * v, z * u - x * w, x * v - y * u
            row[3], row[4], row[5], row[6] = x * u + y * v + z * w, u, v, w
            gap = 0.0
            for axis in range(3):
                gap += (at[p, axis] - marks[p, axis]) * on[p, axis]
            for i in range(7):
                rights[b, i] -= shares[p] * row[i] * gap
                for j in range(i + 1):
                    systems[b, i, j] += shares[p] * row[i] * row[j]
        for i in range(7):
            for j in range(i):
                systems[b, j, i] = systems[b, i, j]
    return systems, rights, middles


@cached_njit(fastmath=True)
def _distances(
    scales, turns, shifts, nearest, corner, cell, points, normals, marks, facing
):  # pragma: no cover (compiled)
    """`mean_distance` [B] of each pose."""
    distances = np.zeros(len(scales))
    at, on = np.empty(3), np.empty(3)
    for b in range(len(scales)):
        for p in range(len(marks)):
            index = _nearest(scales[b], turns[b], shifts[b], nearest, corner, cell, marks[p])
            _transform(scales[b], turns[b], shifts[b], points[index], normals[index], at, on)
            squared, cosine = _compare(at, on, marks[p], facing[p])
            far = min(np.sqrt(squared), FAR) if cosine > AGREE else FAR
            distances[b] += far / len(marks)
    return distances


@cached_njit(inline="always")
def _cell(value, corner, cell, count):  # pragma: no cover (compiled)
    return min(max(int(np.floor((value - corner) / cell)), 0), count - 1)


@cached_njit(fastmath=True)
def _nearest(scale, turn, shift, nearest, corner, cell, mark):  # pragma: no cover (compiled)
    """The point of the scan nearest to a point of the head."""
    u, v, w = mark[0] - shift[0], mark[1] - shift[1], mark[2] - shift[2]
    x = (turn[0, 0] * u + turn[1, 0] * v + turn[2, 0] * w) / scale
    y = (turn[0, 1] * u + turn[1, 1] * v + turn[2, 1] * w) / scale
    z = (turn[0, 2] * u + turn[1, 2] * v + turn[2, 2] * w) / scale
    row = _cell(x, corner[0], cell, nearest.shape[0])
    column = _cell(y, corner[1], cell, nearest.shape[1])
    return nearest[row, column, _cell(z, corner[2], cell, nearest.shape[2])]


@cached_njit(fastmath=True)
def _transform(scale, turn, shift, point, normal, at, on):  # pragma: no cover (compiled)
    """A point and a normal of the scan, brought into head space."""
    for axis in range(3):
        at[axis] = shift[axis]
        on[axis] = 0.0
        for k in range(3):
            at[axis] += scale * turn[axis, k] * point[k]
            on[axis] += turn[axis, k] * normal[k]


@cached_njit(fastmath=True)
def _compare(at, on, mark, facing):  # pragma: no cover (compiled)
    """The squared distance of two points and the cosine of their normals."""
    squared = cosine = 0.0
    for axis in range(3):
        squared += (at[axis] - mark[axis]) ** 2
        cosine += on[axis] * facing[axis]
    return squared, cosine
