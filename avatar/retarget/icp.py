"""Rigid ICP with a scale: points of anny-head against points spread over a scan, from one pose and
with exact nearest points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from avatar.geometry.similarity import Similarity
from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from avatar.retarget.template import Template

AGREE = 0.5  # cosine between normals from which two points may be the same
FAR = 0.03  # metres: a point farther off than this counts as if it were this far
NEIGHBOURS = 12  # whose normals are averaged

Nearest = Callable[[Floats], Ints]
"""From positions [..., 3] in a scan's own space to the scan's points [...] nearest to them."""


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

    @staticmethod
    def of(poses: Sequence[Similarity]) -> "Poses":
        parts = [(pose.scale, pose.rotation, pose.translation) for pose in poses]
        return Poses(*(np.array(part) for part in zip(*parts, strict=True)))

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
    scan: Scan, nearest: Nearest, start: Similarity, head: TemplatePoints, reaches: Sequence[float]
) -> Similarity:
    """Point-to-plane ICP over seven parameters, from the scan's space to head space.

    reaches: for each step, metres at which a pair counts a quarter.
    """
    current = start
    for reach in reaches:
        away, on, facing = _residuals(current, scan, nearest, head)
        share = facing * (1 / (1 + ((away**2).sum(1)) / reach**2)) ** 2
        if share.sum() < 1e-6:
            break
        current = step(current, head.points + away, on, away, share)
    return current


def mean_distance(scan: Scan, nearest: Nearest, to_head: Similarity, head: TemplatePoints) -> float:
    """Metres from anny-head's points to the scan's, FAR where they face another way."""
    away, _, facing = _residuals(to_head, scan, nearest, head)
    return float(np.where(facing, np.minimum(np.linalg.norm(away, axis=1), FAR), FAR).mean())


def _residuals(
    to_head: Similarity, scan: Scan, nearest: Nearest, head: TemplatePoints
) -> tuple[Floats, Floats, Bools]:
    """From each template point to the scan [P, 3], the scan's normals there, and whether both face
    the same way [P]; head space."""
    index = nearest(to_head.inverse().apply(head.points))
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
    step = solved((weighted.T @ rows)[None], right[None], middle[None])
    return Poses.of([current]).then(step)[0]
