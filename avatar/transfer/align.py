"""Find where the face of an upright scan is: the similarity that brings it into head space."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from avatar.heads import load_head
from avatar.mesh import Mesh
from avatar.mesh.normals import point_normals
from avatar.mesh.similarity import Similarity, fit_similarity
from avatar.mesh.visibility import seen_faces
from avatar.transfer.landmarks import check_landmarks, how_to_write, landmark_points
from avatar.transfer.template import Template, template_of
from common.errors import InputError

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]

YAWS = 16
SPANS = (0.16, 0.19, 0.22, 0.26, 0.31, 0.37, 0.45, 0.6, 0.85, 1.2, 1.75)
"""Metres: how much of a person a scan may show, from the face alone to all of the body."""
CROWN, BROW = np.array([0.0, 0.139, 0.005]), np.array([0.0, 0.078, 0.03])
SCAN_POINTS = 6000
COARSE_POINTS, FINE_POINTS = 250, 1500
ROUNDS = ((None, (0.05, 0.04)), (90, (0.03, 0.03, 0.02)), (25, (0.02, 0.02, 0.015, 0.015)))
"""How many of the starts go on, and the reach in metres of each ICP step they take."""
FINALISTS, FINE_REACH = 5, (0.015, 0.012, 0.01, 0.008) * 3
AGREE = 0.5  # cosine between normals from which two points may be the same
FARTHEST = 0.011  # metres: a mean distance of the face above this is not a face


def align(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Similarity:
    """The similarity that takes a mesh's own space into head space (metres, +y up, +z out).

    Without landmarks the mesh must stand upright (+y up, within about 20 degrees); its scale,
    offset and yaw may be anything, and neck, shoulders or the back of the head may be missing.
    landmarks: points [3] by name, in the mesh's own space. Raises InputError where there is no
    face.
    """
    vertices, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    return align_outside(vertices, faces[seen_faces(vertices, faces)], landmarks)


def align_outside(
    vertices: Floats, outside: Indices, landmarks: Mapping[str, Tensor] | None
) -> Similarity:
    """align, of the triangles [M, 3] that are seen."""
    template = template_of(load_head())
    if len(outside) == 0:
        raise InputError("the mesh has no triangles that can be seen from outside")
    scan = sample_scan(vertices, outside)
    if landmarks:
        check_landmarks(landmarks)
        _, on_template, on_mesh = landmark_points(landmarks, template.vertices)
        starts = [fit_similarity(on_mesh, on_template)]
    else:
        starts = _finalists(template, scan)
    found = [_refine(template, scan, start, FINE_POINTS, FINE_REACH) for start in starts]
    to_head, distance = min(found, key=lambda pair: pair[1])
    if distance > FARTHEST:
        raise InputError(
            f"no face was found in the mesh: at best anny-head's face lies "
            f"{1000 * distance:.1f} mm from it; {how_to_write()}"
        )
    return to_head


@dataclass(frozen=True)
class Scan:
    """Points spread evenly over what is seen of a mesh, in its own space."""

    points: Floats  # [Q, 3]
    normals: Floats  # [Q, 3]
    tree: KDTree


def sample_scan(vertices: Floats, faces: Indices) -> Scan:
    """Points by area of the triangles [M, 3] of a mesh's outside."""
    v0, v1, v2 = (vertices[faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(v1 - v0, v2 - v0), axis=1)
    rng = np.random.default_rng(0)
    picked = faces[rng.choice(len(faces), SCAN_POINTS, p=area / area.sum())]
    weights = rng.dirichlet(np.ones(3), SCAN_POINTS)
    points = np.einsum("qc,qcx->qx", weights, vertices[picked])
    normals = np.einsum("qc,qcx->qx", weights, point_normals(vertices, faces)[picked])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Scan(points, normals, KDTree(points))


def _finalists(template: Template, scan: Scan) -> list[Similarity]:
    """The best of all starts, those that fall behind given up round by round."""
    starts = _hypotheses(scan.points)
    for count, reaches in ROUNDS:
        tried = [_refine(template, scan, start, COARSE_POINTS, reaches) for start in starts[:count]]
        starts = [start for start, _ in sorted(tried, key=lambda pair: pair[1])]
    return starts[:FINALISTS]


def _hypotheses(points: Floats) -> list[Similarity]:
    """Every yaw and span: the scan's top is the crown, or the upper end of a face alone."""
    top, bottom = points[:, 1].max(), points[:, 1].min()
    starts = []
    for span in SPANS:
        scale = span / (top - bottom)
        for anchor in (CROWN, BROW):
            slab = points[points[:, 1] > top - 0.15 / scale]
            middle = (slab.max(0) + slab.min(0)) / 2
            middle[1] = top
            for yaw in 2 * np.pi * np.arange(YAWS) / YAWS:
                c, s = np.cos(yaw), np.sin(yaw)
                turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
                starts.append(Similarity(scale, turn, anchor - scale * turn @ middle))
    return starts


def _refine(
    template: Template,
    scan: Scan,
    start: Similarity,
    count: int,
    reaches: tuple[float, ...],
) -> tuple[Similarity, float]:
    """Point-to-plane ICP over seven parameters; the similarity and the face's mean distance."""
    points, normals, weights = _template_points(template, count)
    current = start  # scan → head
    for reach in reaches:
        away, on, facing = _residuals(current, scan, points, normals)
        share = weights * facing * (1 / (1 + ((away**2).sum(1)) / reach**2)) ** 2
        if share.sum() < 1e-6:
            break
        current = _step(current, points + away, on, away, share)
    away, _, facing = _residuals(current, scan, points, normals)
    distance = np.where(facing, np.minimum(np.linalg.norm(away, axis=1), 0.03), 0.03)
    return current, float(weights @ distance / weights.sum())


def _template_points(template: Template, count: int) -> tuple[Floats, Floats, Floats]:
    """Points, normals [count, 3] and weights [count] of anny-head, the face more densely."""
    index = np.flatnonzero(template.outer | template.eyes)
    share = template.weight[index] / template.weight[index].sum()
    picked = np.random.default_rng(1).choice(index, count, replace=False, p=share)
    return template.vertices[picked], template.normals[picked], np.ones(count)


def _residuals(
    to_head: Similarity,
    scan: Scan,
    points: Floats,
    normals: Floats,
) -> tuple[Floats, Floats, Floats]:
    """From each template point to the scan [P, 3], the scan's normals there, and whether both face
    the same way [P]; head space."""
    _, index = scan.tree.query(to_head.inverse().apply(points))
    on = scan.normals[index] @ to_head.rotation.T
    return to_head.apply(scan.points[index]) - points, on, (on * normals).sum(1) > AGREE


def _step(
    current: Similarity, scan_points: Floats, normals: Floats, away: Floats, share: Floats
) -> Similarity:
    """Move the scan so that its points come to lie on the template: small turn, scale and shift."""
    middle = share @ scan_points / share.sum()
    arm = scan_points - middle
    rows = np.concatenate([np.cross(arm, normals), (arm * normals).sum(1)[:, None], normals], 1)
    root = np.sqrt(share)[:, None]
    system = (rows * root).T @ (rows * root)
    system += 1e-4 * np.diag(np.diag(system)) + 1e-12 * np.eye(7)
    moved = np.linalg.solve(system, -(rows * share[:, None]).T @ (away * normals).sum(1))
    turn = _rotation(np.clip(moved[:3], -0.3, 0.3))
    scale = float(np.exp(np.clip(moved[3], -0.2, 0.2)))
    shift = middle + moved[4:] - scale * turn @ middle
    return Similarity(
        scale * current.scale,
        turn @ current.rotation,
        scale * turn @ current.translation + shift,
    )


def _rotation(vector: Floats) -> Floats:
    """The rotation by |vector| radians about it (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
