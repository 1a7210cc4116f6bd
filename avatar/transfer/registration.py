"""Lay anny-head's vertices onto any mesh of a head."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.heads import Head
from avatar.mesh import Mesh
from avatar.mesh.closest import FaceTree, closest, face_tree
from avatar.mesh.decimate import decimated_mesh
from avatar.mesh.edges import boundary_vertices
from avatar.mesh.normals import point_normals
from avatar.mesh.similarity import Similarity, fit_similarity
from avatar.mesh.vectors import Floats
from avatar.mesh.visibility import seen_faces
from avatar.transfer.align import align, unlike_a_face
from avatar.transfer.landmarks import how_to_write, landmark_points
from avatar.transfer.likeness import likeness
from avatar.transfer.nonrigid_icp import NO_PULLS, PULL, Pulls, bend
from avatar.transfer.template import Template, template_of
from common.errors import InputError

WORST_MM = 2.5  # mean distance of the face above which the fit is refused
LEAST_COVER = 0.6  # share of the face that must have found the mesh
LIKE_A_FACE = 0.57
"""Likeness that a face of unknown pose must have where anny-head was bent onto it. Faces of people
have 0.70 and more; a head on which the template lies the wrong way round, and shapes that are no
heads, have 0.45 and less."""
MOUTH_PARTS = ("tongue", "upper-teeth", "lower-teeth")
EYES = {side: (f"{side}-eye", f"{side}-eyelashes-1", f"{side}-eyelashes-2") for side in ("l", "r")}
AROUND = 0.012  # metres: the skin this near to a part, and half as near again, tells where it goes
FOUND = 0.01  # metres: farther from the mesh than this, a vertex has not found it


@dataclass(frozen=True)
class Registration:
    """anny-head's vertices on a mesh."""

    fitted: Tensor  # [S, 3] in the mesh's own space and unit
    residual_mm: float  # mean distance of the face from the mesh, at the size of anny-head
    cover: float  # share of the face that found the mesh
    to_head: Similarity  # from the mesh's space to head space


def register(head: Head, mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Registration:
    """Lay anny-head's vertices onto a mesh of any topology, scale and place.

    Any side of the mesh may be up (see align); landmarks: points [3] by name, in the mesh's own
    space. A mesh finer than the fit needs is decimated for it. Raises InputError, in one sentence,
    where the fit is bad or, without landmarks, where it does not lie on a face for certain.
    """
    template, mesh = template_of(head), decimated_mesh(mesh)
    own, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    to_head = align(mesh, landmarks)
    vertices = to_head.apply(own)
    outside = faces[seen_faces(vertices, faces)]
    surface = face_tree(vertices, outside)
    boundary = boundary_vertices(faces, len(vertices))
    pulls = _pulls(landmarks, to_head)
    bent = _place_parts(template, bend(template, surface, boundary, pulls))
    residual, cover = _residual(template, surface, bent)
    if residual > WORST_MM or cover < LEAST_COVER:
        raise InputError(
            f"anny-head does not fit the mesh: its face lies {residual:.1f} mm from it on average "
            f"and {cover:.0%} of it found the mesh; {how_to_write()}"
        )
    if not landmarks and (share := likeness(template, vertices, outside, bent)) < LIKE_A_FACE:
        raise unlike_a_face(share, LIKE_A_FACE)
    fitted = torch.from_numpy(to_head.inverse().apply(bent)).to(mesh.vertices.dtype)
    return Registration(fitted, residual, cover, to_head)


def _pulls(landmarks: Mapping[str, Tensor] | None, to_head: Similarity) -> Pulls:
    if not landmarks:
        return NO_PULLS
    index, _, points = landmark_points(landmarks, np.zeros((5000, 3)))
    return Pulls(index, to_head.apply(points), np.full(len(index), PULL))


def _residual(template: Template, surface: FaceTree, bent: Floats) -> tuple[float, float]:
    """Mean distance in mm of what found the mesh, and its share, both of the face."""
    face = np.flatnonzero(template.outer & (template.weight > 0.5))
    normals = point_normals(bent, template.skin_faces)[face]
    hit = closest(surface, bent[face], normals, 0.3, reach=FOUND)
    found = hit.faces >= 0
    distance = float(hit.distances[found].mean()) if found.any() else np.inf
    return 1000 * distance, float(found.mean())


def _place_parts(template: Template, fitted: Floats) -> Floats:
    """Fitted vertices [S, 3] with the parts other than the body where the fitted body holds them.

    The parts of the mouth move together, so that they keep from each other; each eye moves with its
    lashes. A part keeps its shape: one similarity for each.
    """
    placed = fitted.copy()
    head = template.head
    skin = np.flatnonzero(template.outer)
    for groups in (MOUTH_PARTS, *EYES.values()):
        part = head.group_vertices(*groups).numpy()
        from_skin = _distances(template.vertices[skin], template.vertices[part])
        weights = np.exp(-0.5 * (from_skin / AROUND) ** 2) + 1e-9
        motion = fit_similarity(template.vertices[skin], fitted[skin], weights)
        placed[part] = motion.apply(template.vertices[part])
    return placed


def _distances(points: Floats, part: Floats) -> Floats:
    """From each point [P, 3] to the nearest vertex of a part [Q, 3]."""
    return np.sqrt(((points[:, None] - part[None]) ** 2).sum(2).min(1))
