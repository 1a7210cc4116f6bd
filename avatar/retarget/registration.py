"""Register anny-head to any mesh of a head; registrations are kept in the user's cache folder by
what was registered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.closest import FaceTree, closest, face_tree
from avatar.geometry.decimate import decimated_mesh
from avatar.geometry.edges import boundary_vertices
from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.geometry.vectors import Floats
from avatar.heads import Head, load_head
from avatar.retarget.align import align, unlike_a_face
from avatar.retarget.landmarks import how_to_write, landmark_points
from avatar.retarget.likeness import likeness
from avatar.retarget.nonrigid_icp import LANDMARK_WEIGHT, NO_TARGETS, Targets, bend
from avatar.retarget.template import Template, template_of
from common.arrays import read_arrays
from common.cache import cache_folder, content_key, keep_arrays, mark_used
from common.errors import InputError

WORST_MM = 2.5  # mean distance of the face above which the fit is refused
LEAST_COVER = 0.6  # share of the face that must have found the mesh
LIKE_A_FACE = 0.57
"""Likeness that a face of unknown pose must have where anny-head was bent onto it. Faces of people
have 0.70 and more; a head with the template the wrong way round, and shapes that are no
heads, have 0.45 and less."""
MOUTH_PARTS = ("tongue", "upper-teeth", "lower-teeth")
EYES = {side: (f"{side}-eye", f"{side}-eyelashes-1", f"{side}-eyelashes-2") for side in ("l", "r")}
AROUND = 0.012  # metres: standard deviation of the skin's weights around a part that follows it
FOUND = 0.01  # metres: farther from the mesh than this, a vertex has not found it


@dataclass(frozen=True)
class Registration:
    """anny-head's vertices on a mesh."""

    fitted: Tensor  # [S, 3] in the mesh's own space and unit
    residual_mm: float  # mean distance of the face from the mesh, at the size of anny-head
    to_head: Similarity  # from the mesh's space to head space


def register(head: Head, mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Registration:
    """Fit anny-head's vertices to a mesh of any topology, scale and position.

    Any side of the mesh may be up (see align); landmarks: points [3] by name, in the mesh's own
    space. A mesh finer than the fit needs is decimated for it. Raises InputError, in one sentence,
    where the fit is bad or, without landmarks, where it is not on a face for certain.
    """
    template, mesh = template_of(head), decimated_mesh(mesh)
    own, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    to_head, outside = align(mesh, landmarks)
    vertices = to_head.apply(own)
    surface = face_tree(vertices, outside)
    boundary = boundary_vertices(faces, len(vertices))
    targets = _targets(landmarks, to_head)
    bent = _fit_parts(template, bend(template, surface, boundary, targets))
    residual, cover = _residual(template, surface, bent)
    if residual > WORST_MM or cover < LEAST_COVER:
        raise InputError(
            f"anny-head does not fit the mesh: its face lies {residual:.1f} mm from it on average "
            f"and {cover:.0%} of it found the mesh; {how_to_write()}"
        )
    if not landmarks and (share := likeness(template, vertices, outside, bent)) < LIKE_A_FACE:
        raise unlike_a_face(share, LIKE_A_FACE)
    fitted = torch.from_numpy(to_head.inverse().apply(bent)).to(mesh.vertices.dtype)
    return Registration(fitted, residual, to_head)


def _targets(landmarks: Mapping[str, Tensor] | None, to_head: Similarity) -> Targets:
    if not landmarks:
        return NO_TARGETS
    index, points = landmark_points(landmarks)
    return Targets(index, to_head.apply(points), np.full(len(index), LANDMARK_WEIGHT))


def _residual(template: Template, surface: FaceTree, bent: Floats) -> tuple[float, float]:
    """Mean distance in mm of what found the mesh, and its share, both of the face."""
    face = np.flatnonzero(template.outer & (template.weight > 0.5))
    normals = point_normals(bent, template.skin_faces)[face]
    hit = closest(surface, bent[face], normals, 0.3, reach=FOUND)
    found = hit.faces >= 0
    distance = float(hit.distances[found].mean()) if found.any() else np.inf
    return 1000 * distance, float(found.mean())


def _fit_parts(template: Template, fitted: Floats) -> Floats:
    """Fitted vertices [S, 3] with the parts inside the body moved as the skin around them.

    The parts of the mouth move together, and each eye with its lashes, by one similarity each.
    """
    moved = fitted.copy()
    head = template.head
    skin = np.flatnonzero(template.outer)
    for groups in (MOUTH_PARTS, *EYES.values()):
        part = head.group_vertices(*groups).numpy()
        distance = KDTree(template.vertices[part]).query(template.vertices[skin])[0]
        weights = np.exp(-0.5 * (distance / AROUND) ** 2) + 1e-9
        motion = fit_similarity(template.vertices[skin], fitted[skin], weights)
        moved[part] = motion.apply(template.vertices[part])
    return moved


KEPT = 100  # registrations, of about 100 kB each
CODE_FOLDERS = ("retarget", "geometry", "heads")
"""The folders of avatar/ whose code decides a registration."""


def registered(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Registration:
    """Register anny-head to a mesh (see register), or take the same registration from the cache."""
    path = cache_folder() / "registrations" / f"{_key(mesh, landmarks or {})}.npz"
    known = _read(path)
    if known is not None:
        return known
    registration = register(load_head(), mesh, landmarks)
    keep_arrays(path, _arrays(registration), KEPT)
    return registration


def _key(mesh: Mesh, landmarks: Mapping[str, Tensor]) -> str:
    """A hash of everything that decides a registration: what is registered, and our own code."""
    decisive = _decisive(mesh, load_head(), landmarks)
    folders = (Path(__file__).parents[1] / folder for folder in CODE_FOLDERS)
    return content_key(((name, tensor.numpy()) for name, tensor in decisive), folders)


def _decisive(
    mesh: Mesh, head: Head, landmarks: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """The mesh, all that the template is made of, and the landmarks, by name."""
    yield from (("mesh", mesh.vertices), ("mesh", mesh.faces))
    yield from (("head", head.vertices), ("head", head.faces))
    yield " ".join(head.unit_names), head.units
    yield " ".join(head.group_names), head.face_groups
    yield from sorted(head.regions.items())
    yield from sorted(landmarks.items())


def _read(path: Path) -> Registration | None:
    """The registration in a file; None where there is none or it is damaged."""
    try:
        data = read_arrays(path)
        fitted = torch.from_numpy(data["fitted"])
        scale, rotation, shift = (data[key] for key in ("scale", "rotation", "translation"))
        residual = float(data["residual_mm"])
    except (OSError, InputError, KeyError):
        return None
    if fitted.shape != load_head().vertices.shape or not bool(fitted.isfinite().all()):
        return None
    mark_used(path)
    return Registration(fitted, residual, Similarity(float(scale), rotation, shift))


def _arrays(registration: Registration) -> dict[str, NDArray]:
    numbers = {"residual_mm": registration.residual_mm, **vars(registration.to_head)}
    arrays = {name: np.asarray(value) for name, value in numbers.items()}
    return {"fitted": registration.fitted.numpy(), **arrays}
