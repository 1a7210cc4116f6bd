"""How much a surface is like a face where anny-head was fitted: its brows, eyes, nose and lips.

Skulls are alike from all sides, and a template bends onto any of them. What only a face has is how
its normals differ from those around them. This detail is taken as fine as a scan's noise allows,
and compared by Lin's concordance (1989): 1 for equal ones, 0 for a smooth or an unlike surface.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial.distance import cdist

from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from avatar.retarget.icp import sample_scan
from avatar.retarget.template import Template

FINE, BROAD = 0.004, 0.015  # metres: standard deviations of what a normal is averaged over
SAMPLES, NEIGHBOURS = 20_000, 24
NEAR = 0.03  # metres around the face within which a mesh is looked at
FOUND = 0.015  # metres: farther off, a surface is another


@dataclass(frozen=True)
class FaceDetail:
    """How the normals of anny-head's face differ from those around them."""

    index: Ints  # [P] its vertices
    areas: Floats  # [P] of the skin around each
    broad: Floats  # [P, P] how much each counts for the broad mean around another
    detail: Floats  # [P, 3] normals less their broad mean


def likeness(template: Template, vertices: Floats, outside: Ints, positions: Floats) -> float:
    """How much a mesh [V, 3], of which triangles [M, 3] are seen, is like a face in head space.

    positions [S, 3]: of anny-head's vertices, at rest for a pose or bent onto the mesh.
    """
    face_detail = _face_detail(template)
    face = positions[face_detail.index]
    centres = vertices[outside].mean(1)
    near = ((centres > face.min(0) - NEAR) & (centres < face.max(0) + NEAR)).all(1)
    if not near.any():
        return 0.0
    facing = point_normals(positions, template.skin_faces)[face_detail.index]
    normals, found = _fine_normals(vertices, outside[near], face, facing)
    detail = _detail(normals, found, face_detail.broad)
    areas = face_detail.areas[:, None]
    together = (areas * detail * face_detail.detail).sum()
    return float(2 * together / (areas * (detail**2 + face_detail.detail**2)).sum())


@lru_cache(maxsize=4)
def _face_detail(template: Template) -> FaceDetail:
    index = np.flatnonzero(template.outer & (template.weight > 0.5))
    positions = template.vertices[index]
    shares = np.repeat(face_areas(template.vertices, template.skin_faces) / 3, 3)
    areas = np.zeros(len(template.vertices))
    np.add.at(areas, template.skin_faces.ravel(), shares)
    areas = areas[index]
    apart = cdist(positions, positions, "sqeuclidean")
    broad = np.exp(-0.5 * apart / BROAD**2) * areas
    outer = template.skin_faces[template.outer[template.skin_faces].all(1)]
    normals, found = _fine_normals(template.vertices, outer, positions, template.normals[index])
    return FaceDetail(index, areas, broad, _detail(normals, found, broad))


def _fine_normals(
    vertices: Floats, faces: Ints, positions: Floats, facing: Floats
) -> tuple[Floats, Bools]:
    """Normals [P, 3] of a surface next to positions [P, 3], averaged over FINE among those that
    face the same way as `facing` [P, 3]; and where there is a surface [P]."""
    scan = sample_scan(vertices, faces, SAMPLES)
    distance, nearest = scan.tree.query(positions)
    apart, index = scan.tree.query(scan.points[nearest], NEIGHBOURS)
    around = scan.normals[index]  # [P, N, 3]
    weights = np.exp(-0.5 * (np.asarray(apart) / FINE) ** 2)
    weights = weights * ((around * facing[:, None]).sum(2) > 0)
    total = (weights[..., None] * around).sum(1)
    found = (np.asarray(distance) < FOUND) & (weights.sum(1) > 0)
    return normalised(total) * found[:, None], found


def _detail(normals: Floats, found: Bools, broad: Floats) -> Floats:
    """Normals [P, 3] less the mean of those found [P] broadly around; 0 where none is."""
    weights = broad * found
    mean = weights @ normals / np.maximum(weights.sum(1, keepdims=True), 1e-30)
    return (normals - mean) * found[:, None]
