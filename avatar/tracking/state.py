"""What is to be found: a person and a camera, and the moments of a film."""

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.mesh.rotations import axis_angle_to_matrix


@dataclass(frozen=True)
class Person:
    """What stays the same through a film."""

    shape: Tensor  # [S] coefficients of the face model's modes
    focal: float  # pixels
    centre: tuple[float, float]  # pixels: where the optical axis meets the picture


@dataclass(frozen=True)
class Moment:
    """One frame: the head in camera axes (x right, y down, z forward) and what the face does."""

    rotation: Tensor  # [3, 3] from head space
    translation: Tensor  # [3] metres
    weights: Tensor  # [E] of the units

    def moved(self, step: Tensor) -> "Moment":
        """After a step [6 + E]: a small turn in camera axes, a shift and changes of the weights."""
        turn = axis_angle_to_matrix(step[:3]).to(self.rotation)
        weights = (self.weights + step[6:].to(self.weights)).clamp(0, 1)
        shifted = self.translation + step[3:6].to(self.translation)
        return Moment(turn @ self.rotation, shifted, weights)


def rigid(moment: Moment) -> Tensor:
    """From head space to camera space [4, 4]."""
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[:3, :3], matrix[:3, 3] = moment.rotation, moment.translation
    return matrix
