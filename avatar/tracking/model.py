"""What the tracker knows of faces: they are sums of modes, of the person and of the moment."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from avatar.heads import Head, load_head
from avatar.heads.identity import load_shape_space

UNIT_SPREAD = 0.35  # of a unit's weight in a film


@dataclass(frozen=True)
class FaceModel:
    """Faces of one topology: mean + shape · modes + weights · units, in head space."""

    head: Head
    mean: Tensor  # [V, 3] metres
    units: Tensor  # [E, V, 3] what a moment may add, each with a weight in [0, 1]
    modes: Tensor  # [S, V, 3] what a person may add
    precision: Tensor  # [S] of the prior of a shape's coefficients, normal around 0
    unit_spread: float = UNIT_SPREAD  # standard deviation of a unit's weight around 0

    def rest(self, shape: Tensor) -> Tensor:
        """The person's vertices [V, 3] of coefficients [S], at rest."""
        return self.mean + torch.einsum("s,svx->vx", shape.to(self.mean), self.modes)


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
    ways = torch.cat([model.units, model.modes])  # [K, V, 3]
    basis = torch.einsum("pc,kpcx->pxk", weights, ways[:, faces])
    mean = torch.einsum("pc,pcx->px", weights, model.mean[faces])
    return PointModel(mean, basis.contiguous(), len(model.units))
