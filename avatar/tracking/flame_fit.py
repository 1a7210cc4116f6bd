"""A tracked person as FLAME: shape, and in every frame expression, jaw, eyes, neck and pose.

The mesh that was tracked is anny-head's. FLAME's vertices are points of it once it is pair onto
FLAME's mean head, and so points of any person's; a shape is fitted to those. The units reach
the person's FLAME by the same points, and their motion is fitted by FLAME's expressions and jaw.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.heads.flame_fit import fit_flame, matrix_to_axis_angle
from avatar.heads.flame_model import (
    LEFT_EYEBALL,
    NECK,
    RIGHT_EYEBALL,
    ROOT,
    SHAPES,
    FlameModel,
    FlameParameters,
    flame_vertices,
    neutral,
    shaped,
)
from avatar.heads.flame_regions import flame_regions
from avatar.heads.head import FLAME
from avatar.retarget.fitted_face import Face, face_of
from avatar.retarget.operator import FAR, NEAR, match_vertices
from avatar.retarget.registered_pair import registered_pair
from avatar.tracking.result import Tracking

NOISE = 1e-3  # metres by which a point may be off: the prior's weight, shapes having variance 1
ROUNDS = 8  # of laying the head on the points and fitting its shape
BATCH = 64  # frames that are fitted at a time


@dataclass(frozen=True)
class FlamePerson:
    """A person in FLAME, and the rigid motion of that head to head space."""

    model: FlameModel
    shape: Tensor  # [300]
    face: Face  # the person's mesh at rest, in FLAME's own space, and how it moves
    place: Similarity  # rigid, from FLAME's space to head space
    residual_mm: float  # mean distance of the skin from the mesh that was tracked


def flame_person(model: FlameModel, rest: Tensor) -> FlamePerson:
    """The person whose tracked mesh at rest is [S, 3] in head space.

    Raises InputError where anny-head cannot be pair onto the mean head.
    """
    points, confidence = _points_on(model, rest)
    shape, place = _shape_of(model, points, confidence)
    mesh = Mesh(flame_vertices(model, neutral(shape=shape)), model.faces)
    apart = np.linalg.norm(place.apply(mesh.vertices.double().numpy()) - points, axis=1)
    face = face_of(mesh, FLAME, template=place.inverse().of_tensor(rest))
    return FlamePerson(
        model, shape, face, place, 1e3 * float(apart @ confidence / confidence.sum())
    )


def flame_frames(
    person: FlamePerson, tracking: Tracking, poses: Tensor, torso_motions: Tensor
) -> tuple[FlameParameters, float]:
    """Parameters of F frames in the world of the torso, and how far lips are from the tracked ones
    on average, in mm; poses, torso_motions [F, 4, 4]: motions of head and torso in that world."""
    model, head = person.model, person.face.head
    names = [head.unit_names.index(name) for name in tracking.model.head.unit_names]
    units, weights = head.units[names], tracking.weights

    def moved() -> Iterator[Tensor]:
        for part in weights.split(BATCH):
            yield torch.einsum("fe,evx->fvx", part, units)

    rest = person.face.mesh.vertices
    lips = flame_regions(model.template, model.faces)["lips"]
    found, misfit = fit_flame(model, rest, moved(), lips)
    rotation, neck, translation = _frame_poses(person, poses.double(), torso_motions.double())
    parameters = FlameParameters(
        person.shape, found.expression, rotation, neck, found.jaw, found.eyes, translation
    )
    return parameters, misfit.lips_mm


def _points_on(model: FlameModel, rest: Tensor) -> tuple[Floats, Floats]:
    """FLAME's vertices on a tracked mesh [S, 3]: points [V, 3] in head space, and the
    confidence [V] of each: 0 for eyes, insides of ears and points without correspondence."""
    mean, head = Mesh(model.template, model.faces), load_head()
    fitted = face_of(mean, FLAME).fitted
    assert fitted is not None
    pair = registered_pair(head, mean, fitted)
    matching = match_vertices(pair)
    over = pair.vertices - matching.weights @ pair.fitted  # what the fit leaves
    points = matching.weights @ rest.double().numpy() + over
    confidence = np.clip((FAR - matching.distances) / (FAR - NEAR), 0, 1) * matching.agreed
    confidence[[*LEFT_EYEBALL, *RIGHT_EYEBALL]] = 0
    return points, confidence


def _shape_of(model: FlameModel, points: Floats, confidence: Floats) -> tuple[Tensor, Similarity]:
    """The shape [300] whose head lies on points [V, 3], and the rigid motion that lays it there."""
    double = model.to(torch.float64)
    rows = double.shape_directions.flatten(0, 1).numpy()  # [3 V, 300]
    weights = np.repeat(confidence, 3)
    normal = rows.T @ (weights[:, None] * rows) + NOISE**2 * np.eye(SHAPES)
    shape = np.zeros(SHAPES)
    for _ in range(ROUNDS):
        place = _rigid(shaped(double, torch.from_numpy(shape)).numpy(), points, confidence)
        wanted = place.inverse().apply(points) - double.template.numpy()
        shape = np.linalg.solve(normal, rows.T @ (weights * wanted.ravel()))
    return torch.from_numpy(shape).float(), place


def _rigid(source: Floats, target: Floats, confidence: Floats) -> Similarity:
    """The rigid motion that lays source [P, 3] on target [P, 3] best."""
    rotation = fit_similarity(source, target, confidence).rotation
    share = confidence / confidence.sum()
    return Similarity(1.0, rotation, share @ target - rotation @ (share @ source))


def _frame_poses(
    person: FlamePerson, poses: Tensor, torso_motions: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotation, neck and translation [F, 3] each, that give FLAME's head the tracked pose: the root
    turns with the torso, the neck does the rest, and the offset between FLAME's joints and the
    tracked head's pivot goes to the translation."""
    place = torch.eye(4, dtype=torch.float64)
    place[:3, :3] = torch.from_numpy(person.place.rotation)
    place[:3, 3] = torch.from_numpy(person.place.translation)
    head, torso = poses @ place, (torso_motions @ place)[:, :3, :3]
    neck = torso.transpose(1, 2) @ head[:, :3, :3]
    joints = (person.model.joint_regressor @ shaped(person.model, person.shape)).double()
    joint, root = joints[NECK], joints[ROOT]
    shift = head[:, :3, 3] + head[:, :3, :3] @ joint - torso @ (joint - root) - root
    rotation, bent = (matrix_to_axis_angle(part).float() for part in (torso, neck))
    return rotation, bent, shift.float()
