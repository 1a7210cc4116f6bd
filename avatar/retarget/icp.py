"""Rigid ICP with a scale: points of anny-head against points spread over a scan, from one pose with
exact nearest points, and in Numba from very many at once with a grid of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from avatar.geometry.records import concatenated
from avatar.geometry.similarity import Similarity
from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from avatar.retarget.template import Template
from common.kernels import cached_njit
from common.parallel import spread

AGREE = 0.5  # cosine between normals from which two points may be the same
FAR = 0.03  # metres: a point farther off than this counts as if it were this far
NEIGHBOURS = 12  # whose normals are averaged


@dataclass(frozen=True)
class Scan:
    """Points spread evenly over what is seen of a mesh, in its own space."""

    points: Floats  # [Q, 3]
    normals: Floats  # [Q, 3] unit
    tree: KDTree

    def nearest(self, positions: Floats) -> Ints:
        """The points [...] nearest to positions [..., 3]."""
        return self.tree.query(positions)[1]


@dataclass(frozen=True)
class TemplatePoints:
    """Some points of anny-head, the face more densely."""

    points: Floats  # [P, 3] head space
    normals: Floats  # [P, 3]


@dataclass(frozen=True)
class Poses:
    """Many similarities x ↦ scale · rotation x + translation at once."""

    scale: Floats  # [B]
    rotation: Floats  # [B, 3, 3]
    translation: Floats  # [B, 3]

    def __getitem__(self, index: int) -> Similarity:
        return Similarity(float(self.scale[index]), self.rotation[index], self.translation[index])

    def at(self, index: Ints) -> "Poses":
        """Those of some rows [b]."""
        return Poses(self.scale[index], self.rotation[index], self.translation[index])

    def then(self, other: "Poses") -> "Poses":
        """First these, then the others [B]."""
        moved = (other.rotation @ self.translation[..., None])[..., 0]
        return Poses(
            other.scale * self.scale,
            other.rotation @ self.rotation,
            other.scale[:, None] * moved + other.translation,
        )


def solved(systems: Floats, rights: Floats, middles: Floats) -> Poses:
    """Steps of ICP: small turns, scales and shifts about middles [B, 3], as the least-squares
    solutions of systems [B, 7, 7] with right sides [B, 7]."""
    size = np.einsum("bii->bi", systems)[:, None] * np.eye(7)
    damped = systems + 1e-4 * size + 1e-12 * np.eye(7)
    found = np.linalg.solve(damped, rights[..., None])[..., 0]
    turn = Rotation.from_rotvec(np.clip(found[:, :3], -0.3, 0.3)).as_matrix()
    scale = np.exp(np.clip(found[:, 3], -0.2, 0.2))
    kept = scale[:, None] * (turn @ middles[..., None])[..., 0]
    return Poses(scale, turn, middles + found[:, 4:] - kept)


def sample_scan(vertices: Floats, faces: Ints, count: int) -> Scan:
    """Points [count] by area of the triangles [M, 3] of a mesh's outside."""
    area = face_areas(vertices, faces)
    rng = np.random.default_rng(0)
    picked = faces[rng.choice(len(faces), count, p=area / area.sum())]
    weights = rng.dirichlet(np.ones(3), count)
    points = np.einsum("qc,qcx->qx", weights, vertices[picked])
    normals = np.einsum("qc,qcx->qx", weights, point_normals(vertices, faces)[picked])
    return Scan(points, normalised(normals), KDTree(points))


def smoothed(scan: Scan) -> Scan:
    """The scan with each normal the mean of those around it, as its noise has none."""
    around = scan.normals[scan.tree.query(scan.points, NEIGHBOURS)[1]]  # [Q, N, 3]
    alike = (around * scan.normals[:, None]).sum(2, keepdims=True) > 0
    return replace(scan, normals=normalised((around * alike).sum(1)))


def template_points(template: Template, count: int) -> TemplatePoints:
    """Points [count] of the skin and the eyes."""
    index = np.flatnonzero(template.outer | template.eyes)
    share = template.weight[index] / template.weight[index].sum()
    picked = np.random.default_rng(1).choice(index, count, replace=False, p=share)
    return TemplatePoints(template.vertices[picked], template.normals[picked])


def refine(
    scan: Scan, start: Similarity, head: TemplatePoints, reaches: Sequence[float]
) -> Similarity:
    """Point-to-plane ICP over seven parameters, from the scan's space to head space.

    reaches: for each step, metres at which a pair counts a quarter.
    """
    current = start
    for reach in reaches:
        away, on, facing = _residuals(current, scan, head)
        share = facing * (1 / (1 + ((away**2).sum(1)) / reach**2)) ** 2
        if share.sum() < 1e-6:
            break
        current = step(current, head.points + away, on, away, share)
    return current


def mean_distance(scan: Scan, to_head: Similarity, head: TemplatePoints) -> float:
    """Metres from anny-head's points to the scan's, FAR where they face another way."""
    away, _, facing = _residuals(to_head, scan, head)
    return float(np.where(facing, np.minimum(np.linalg.norm(away, axis=1), FAR), FAR).mean())


def _residuals(
    to_head: Similarity, scan: Scan, head: TemplatePoints
) -> tuple[Floats, Floats, Bools]:
    """From each template point to the scan [P, 3], the scan's normals there, and whether both face
    the same way [P]; head space."""
    index = scan.nearest(to_head.inverse().apply(head.points))
    on = scan.normals[index] @ to_head.rotation.T
    away = to_head.apply(scan.points[index]) - head.points
    return away, on, (on * head.normals).sum(1) > AGREE


def step(
    current: Similarity, scan_points: Floats, normals: Floats, away: Floats, share: Floats
) -> Similarity:
    """Move the scan so that its points get onto the template."""
    middle = share @ scan_points / share.sum()
    arm = scan_points - middle
    rows = np.concatenate([np.cross(arm, normals), (arm * normals).sum(1)[:, None], normals], 1)
    weighted = rows * share[:, None]
    right = -weighted.T @ (away * normals).sum(1)
    before = Poses(
        np.array([current.scale]), current.rotation[None], np.asarray(current.translation)[None]
    )
    return before.then(solved((weighted.T @ rows)[None], right[None], middle[None]))[0]


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
