"""FLAME: a head as a function of shape, expression and the pose of five joints.

Li et al., "Learning a model of facial shape and expression from 4D scans", SIGGRAPH Asia 2017,
equations 1 to 4; offsets and their order as in GaussianAvatars.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from avatar.flame.indices import (
    EXPRESSIONS,
    PARENTS,
    SHAPES,
    VERTICES,
)
from avatar.mesh.rotations import axis_angle_to_matrix


@dataclass(frozen=True)
class FlameModel:
    """The arrays of a FLAME file; V is 5,023, or 5,143 with GaussianAvatars' teeth."""

    template: Tensor  # [V, 3] the mean head, metres
    faces: Tensor  # [M, 3] int64
    shape_directions: Tensor  # [V, 3, 300]
    expression_directions: Tensor  # [V, 3, 100]
    pose_directions: Tensor  # [V, 3, 36] by the entries of four rotations less the identity
    joint_regressor: Tensor  # [5, V] joints from the vertices of the unposed head
    weights: Tensor  # [V, 5] skinning: root, neck, jaw, left eye, right eye

    def to(self, to: torch.device | torch.dtype | str) -> "FlameModel":
        """The same model on another device or in another precision."""
        moved = {
            field.name: getattr(self, field.name).to(to)
            for field in fields(self)
            if field.name != "faces" or not isinstance(to, torch.dtype)
        }
        return FlameModel(**{"faces": self.faces} | moved)

    @property
    def topology(self) -> str:
        return "flame" if len(self.template) == VERTICES else "flame-teeth"


@dataclass(frozen=True)
class FlameParameters:
    """What poses FLAME; leading dimensions broadcast, so one shape serves many frames."""

    shape: Tensor  # [..., 300]
    expression: Tensor  # [..., 100]
    rotation: Tensor  # [..., 3] axis-angle of the whole head, radians
    neck: Tensor  # [..., 3]
    jaw: Tensor  # [..., 3]
    eyes: Tensor  # [..., 6] left, then right
    translation: Tensor  # [..., 3] metres
    static_offset: Tensor | None = None  # [..., V, 3] metres, of the person
    dynamic_offset: Tensor | None = None  # [..., V, 3] metres, of the moment


def neutral(**given: Any) -> FlameParameters:
    """Parameters that are zero wherever none are given."""
    sizes = {"shape": SHAPES, "expression": EXPRESSIONS, "eyes": 6}
    names = ("shape", "expression", "rotation", "neck", "jaw", "eyes", "translation")
    like = next((value for value in given.values() if value is not None), torch.zeros(1))
    zeros = {name: like.new_zeros(sizes.get(name, 3)) for name in names}
    return FlameParameters(**zeros | given)


def flame_vertices(model: FlameModel, parameters: FlameParameters) -> Tensor:
    """The posed head [..., V, 3] in metres."""
    p = parameters
    head = shaped(model, p.shape) + _blend(model.expression_directions, p.expression)
    for offset in (p.static_offset, p.dynamic_offset):
        if offset is not None:
            head = head + offset
    turns = _joint_rotations(p)  # [..., 5, 3, 3]
    joints = model.joint_regressor @ head  # [..., 5, 3]
    posed = head + _blend(model.pose_directions, _pose_feature(turns))
    motions = _joint_motions(turns, joints)  # [..., 5, 3, 4]
    by_vertex = torch.einsum("vj,...jab->...vab", model.weights, motions)
    posed = (by_vertex[..., :3] @ posed[..., None])[..., 0] + by_vertex[..., 3]
    return posed + p.translation[..., None, :]


def shaped(model: FlameModel, shape: Tensor) -> Tensor:
    """The head [..., V, 3] of a shape [..., 300], not posed, without expression."""
    return model.template + _blend(model.shape_directions, shape)


def _blend(directions: Tensor, coefficients: Tensor) -> Tensor:
    """[..., V, 3] the sum of directions [V, 3, K] by coefficients [..., K]."""
    flat = coefficients @ directions.flatten(0, 1).T
    return flat.unflatten(-1, directions.shape[:2])


def _joint_rotations(parameters: FlameParameters) -> Tensor:
    p = parameters
    parts = (p.rotation, p.neck, p.jaw, p.eyes[..., :3], p.eyes[..., 3:])
    return axis_angle_to_matrix(torch.stack(torch.broadcast_tensors(*parts), -2))


def _pose_feature(turns: Tensor) -> Tensor:
    """[..., 36] how far the rotations below the root are from none, by rows."""
    eye = torch.eye(3, dtype=turns.dtype, device=turns.device)
    return (turns[..., 1:, :, :] - eye).flatten(-3)


def _joint_motions(turns: Tensor, joints: Tensor) -> Tensor:
    """[..., 5, 3, 4] where each joint takes a point of the unposed head: every joint turns about
    its own place, carried by the joints above it."""
    turns = turns.expand(*torch.broadcast_shapes(turns.shape[:-3], joints.shape[:-2]), -1, -1, -1)
    rotations, shifts = [], []
    for joint, parent in enumerate(PARENTS):
        place, turn = joints[..., joint, :, None], turns[..., joint, :, :]
        shift = place - turn @ place  # [..., 3, 1] about the joint alone
        if parent >= 0:
            shift = rotations[parent] @ shift + shifts[parent]
            turn = rotations[parent] @ turn
        rotations.append(turn)
        shifts.append(shift)
    return torch.cat([torch.stack(rotations, -3), torch.stack(shifts, -3)], -1)
