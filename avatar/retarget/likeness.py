"""How much a surface is like a face where anny-head lies: its relief of brows, eyes, nose and lips.

Skulls are alike from all sides, and a template bends onto any of them. What only a face has is how
its normals differ from those around them. Both reliefs are taken as fine as a scan's noise allows,
and compared by Lin's concordance (1989): 1 for equal ones, 0 for a smooth or an unlike surface.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, normalised
from avatar.retarget.icp import sample_scan
from avatar.retarget.template import Template

FINE, BROAD = 0.004, 0.015  # metres: standard deviations of what a normal is averaged over
SAMPLES, NEIGHBOURS = 20_000, 24
NEAR = 0.03  # metres around the face within which a mesh is looked at
FOUND = 0.015  # metres: farther off, a surface is another


@dataclass(frozen=True)
class SurfaceRelief:
    """The relief of anny-head's face."""

    index: Ints  # [P] its vertices
    areas: Floats  # [P] of the skin around each
    broad: Floats  # [P, P] how much each counts for the broad mean around another
    detail: Floats  # [P, 3] normals less their broad mean


def likeness(template: Template, vertices: Floats, outside: Ints, places: Floats) -> float:
    """How much a mesh [V, 3], of which triangles [M, 3] are seen, is like a face in head space.

    places [S, 3]: where anny-head's vertices lie, at rest for a pose or bent onto the mesh.
    """
    relief = _relief(template)
    face = places[relief.index]
    near = _around(vertices[outside].mean(1), face)
    if not near.any():
        return 0.0
    facing = point_normals(places, template.skin_faces)[relief.index]
    normals, found = _fine_normals(vertices, outside[near], face, facing)
    detail = _detail(normals, found, relief.broad)
    areas = relief.areas[:, None]
    together = (areas * detail * relief.detail).sum()
    return float(2 * together / (areas * (detail**2 + relief.detail**2)).sum())


@lru_cache(maxsize=4)
def _relief(template: Template) -> SurfaceRelief:
    index = np.flatnonzero(template.outer & (template.weight > 0.5))
    places = template.vertices[index]
    shares = np.repeat(face_areas(template.vertices, template.skin_faces) / 3, 3)
    areas = np.zeros(len(template.vertices))
    np.add.at(areas, template.skin_faces.ravel(), shares)
    areas = areas[index]
    apart = ((places[:, None] - places[None]) ** 2).sum(2)
    broad = np.exp(-0.5 * apart / BROAD**2) * areas
    outer = template.skin_faces[template.outer[template.skin_faces].all(1)]
    normals, found = _fine_normals(template.vertices, outer, places, template.normals[index])
    return SurfaceRelief(index, areas, broad, _detail(normals, found, broad))


def _around(points: Floats, face: Floats) -> Bools:
    """Which points [N] lie in the box around the face [P, 3], NEAR it."""
    return ((points > face.min(0) - NEAR) & (points < face.max(0) + NEAR)).all(1)


def _fine_normals(
    vertices: Floats, faces: Ints, places: Floats, facing: Floats
) -> tuple[Floats, Bools]:
    """Normals [P, 3] of a surface next to places [P, 3], averaged over FINE among those that face
    the same way as `facing` [P, 3]; and where there is a surface [P]."""
    scan = sample_scan(vertices, faces, SAMPLES)
    distance, nearest = scan.tree.query(places)
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
