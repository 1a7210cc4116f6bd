"""The tracker's linear face model, and its unknowns: a person, a camera and a state per frame.

A face is a mean plus modes of the person and units of expression. A smooth static offset of the
skin extends the shape space.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.edges import smooth_modes
from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.heads import Head, load_head
from avatar.heads.shape_space import extended, load_shape_space

UNIT_SPREAD = 0.35  # of a unit's weight in a film


@dataclass(frozen=True)
class FaceModel:
    """Faces of one topology: mean + shape · modes + weights · units, in head space."""

    head: Head
    mean: Tensor  # [V, 3] metres
    units: Tensor  # [E, V, 3] of expression, each with a weight in [0, 1]
    modes: Tensor  # [S, V, 3] of shape
    precision: Tensor  # [S] of the prior of a shape's coefficients, normal around 0
    unit_spread: float = UNIT_SPREAD  # standard deviation of a unit's weight around 0
    pitch_spread: float = math.inf  # and of the sine of the pitch from the camera, around 0

    def rest(self, shape: Tensor) -> Tensor:
        """The person's vertices [V, 3] of coefficients [S], at rest."""
        return self.mean + torch.einsum("s,svx->vx", shape.to(self.mean), self.modes)

    def offsets(self, weights: Tensor) -> Tensor:
        """What weights [E] of the units add to vertices at rest [V, 3]."""
        return torch.einsum("e,evx->vx", weights.to(self.units), self.units)


@dataclass(frozen=True)
class PointModel:
    """Some points on a face, linear in the same coefficients: units first, then modes."""

    mean: Tensor  # [P, 3]
    basis: Tensor  # [P, 3, E + S]
    units: int  # E

    def at(self, index: Tensor) -> "PointModel":
        """Some of the points."""
        return replace(self, mean=self.mean[index], basis=self.basis[index])

    def of_person(self, shape: Tensor) -> "PointModel":
        """The points of one person [S], which only units move."""
        fixed, moving = self.basis[..., self.units :], self.basis[..., : self.units]
        return replace(self, mean=self.mean + fixed @ shape.to(fixed), basis=moving.contiguous())


def face_model() -> FaceModel:
    """anny-head with the shape space that ships."""
    head, space = load_head(), load_shape_space()
    return FaceModel(head, space.mean, head.units, space.modes, torch.ones(len(space.modes)))


def points_of(model: FaceModel, faces: Tensor, weights: Tensor) -> PointModel:
    """Points with barycentric weights [P, 3] on triangles of vertices [P, 3]."""
    directions = torch.cat([model.units, model.modes])  # [K, V, 3]
    basis = torch.einsum("pc,kpcx->pxk", weights, directions[:, faces])
    mean = torch.einsum("pc,pcx->px", weights, model.mean[faces])
    return PointModel(mean, basis.contiguous(), len(model.units))


@dataclass(frozen=True)
class Person:
    """The unknowns that are constant in a film."""

    shape: Tensor  # [S] coefficients of the face model's modes
    focal: float  # pixels
    centre: tuple[float, float]  # pixels: where the optical axis meets the picture


@dataclass(frozen=True)
class FrameState:
    """One frame: the head in camera axes (x right, y down, z forward) and the expression."""

    rotation: Tensor  # [3, 3] from head space
    translation: Tensor  # [3] metres
    weights: Tensor  # [E] of the units

    def moved(self, step: Tensor) -> "FrameState":
        """After a step [6 + E]: a small turn in camera axes, a shift and changes of the weights."""
        turn = axis_angle_to_matrix(step[:3]).to(self.rotation)
        weights = (self.weights + step[6:].to(self.weights)).clamp(0, 1)
        shifted = self.translation + step[3:6].to(self.translation)
        return FrameState(turn @ self.rotation, shifted, weights)


def rigid(state: FrameState) -> Tensor:
    """From head space to camera space [4, 4]."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3], matrix[:3, 3] = state.rotation, state.translation
    return matrix


SHAPES = 40  # of the skin's Laplacian, each along three axes
SPREAD = 1.2e-3  # metres: standard deviation of the offset along an axis


def with_offsets(model: FaceModel) -> FaceModel:
    """The model with modes for the offset after those that it has."""
    modes = offset_modes(model.head).to(model.modes)
    ones = torch.ones(len(modes)).to(model.precision)
    return replace(
        model, modes=torch.cat([model.modes, modes]), precision=torch.cat([model.precision, ones])
    )


def offset_modes(head: Head) -> Tensor:
    """Modes [3 SHAPES, V, 3] in metres per standard deviation, the smoothest first and largest;
    the end of the neck stays, and eyes, teeth and tongue move as a whole.

    The eigenvalues of a surface's Laplacian grow as their number (Weyl 1911), and random
    displacements of a thin membrane go with their inverse roots.
    """
    skin = head.faces[head.group_faces("body")]
    vertex, local = np.unique(skin.numpy(), return_inverse=True)
    faces = torch.from_numpy(local.reshape(skin.shape))
    shapes = smooth_modes(faces, SHAPES + 1, len(vertex)).numpy()[:, 1:]  # all but the shift
    sizes = np.arange(1, SHAPES + 1) ** -0.5
    sizes *= SPREAD / np.linalg.norm(sizes)
    whole = extended(head, vertex, (shapes * sizes).T[..., None].astype(np.float64))
    whole *= head.pose_weights.numpy()[None, :, None]
    return torch.einsum("kvo,ax->kavx", torch.from_numpy(whole), torch.eye(3).double()).flatten(
        0, 1
    )
