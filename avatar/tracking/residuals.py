"""Normal equations of one frame by Gauss-Newton, from residuals of projected points.

Every observation (a landmark, a colour, the outline) is a quadratic in the position of a projected
point, so that one function assembles all of them. Unknowns of a frame, in
this order: the turn and the shift of the head in camera axes, the weights of the units, the
coefficients of the person, and the logarithm of the focal length.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Floats, Ints
from avatar.tracking.model import FrameState, Person, PointModel
from common.kernels import cached_njit

POSE = 6  # unknowns of a head's pose
TINY = 1e-12


@dataclass(frozen=True)
class Placed:
    """Points of a face in one frame."""

    turned: Tensor  # [P, 3] camera axes, about the head's own origin
    camera: Tensor  # [P, 3] metres in camera space
    pixels: Tensor  # [P, 2]


@dataclass(frozen=True)
class Residuals:
    """Residuals of points in a picture: the energy ½ dᵀ Λ d + ηᵀ d for a change d of their
    pixels."""

    information: Tensor  # [P, 2, 2] Λ, symmetric and not negative
    gradient: Tensor  # [P, 2] η


@dataclass(frozen=True)
class Equations:
    """½ xᵀ system x + gradientᵀ x for the step x of the unknowns."""

    system: Tensor  # [K, K]
    gradient: Tensor  # [K]

    def __add__(self, other: "Equations") -> "Equations":
        return Equations(self.system + other.system, self.gradient + other.gradient)


def place(points: PointModel, person: Person, state: FrameState) -> Placed:
    """Project points. Their basis may have the person's modes, or only units (of_person)."""
    coefficients = state.weights.to(points.basis)
    if points.basis.shape[2] > points.units:
        coefficients = torch.cat([coefficients, person.shape.to(points.basis)])
    at_rest = points.mean + points.basis @ coefficients
    turned = at_rest @ state.rotation.to(at_rest).T
    return placed_in(turned + state.translation.to(at_rest), person, state)


def placed_in(camera: Tensor, person: Person, state: FrameState) -> Placed:
    """The same of points [P, 3] in camera space."""
    turned = camera - state.translation.to(camera)
    centre = torch.tensor(person.centre).to(camera)
    pixels = person.focal * camera[:, :2] / camera[:, 2:] + centre
    return Placed(turned, camera, pixels)


def normal_equations(
    points: PointModel, person: Person, state: FrameState, placed: Placed, residuals: Residuals
) -> Equations:
    """Gauss-Newton's normal equations of the residuals, without a prior. Without the person's modes
    in `points` the focal length is no unknown either."""
    basis = points.basis
    observed = residuals.information.flatten(1).any(1).nonzero().squeeze(1)  # [p]
    focal = basis.shape[2] > points.units
    jacobian = basis.new_empty(2 * len(observed), POSE + basis.shape[2] + focal)
    right = basis.new_empty(2 * len(observed))
    seen = (residuals.information, residuals.gradient, placed.turned, placed.camera, state.rotation)
    _fill_rows(
        observed.numpy(),
        *(each.to(basis).contiguous().numpy() for each in (*seen, basis)),
        person.focal,
        jacobian.numpy(),
        right.numpy(),
    )
    return Equations((jacobian.T @ jacobian).double(), (jacobian.T @ right).double())


@cached_njit(error_model="numpy")
def _fill_rows(
    observed: Ints,
    information: Floats,
    gradient: Floats,
    turned: Floats,
    camera: Floats,
    rotation: Floats,
    basis: Floats,
    focal: float,
    jacobian: Floats,
    right: Floats,
) -> None:
    """Two rows of the Jacobian and two right sides e for each of the observed points: R times the
    Jacobian of its pixel, with Rᵀe = η, where R is an upper triangular root, RᵀR = Λ."""
    modes, root, by = basis.shape[2], np.zeros((2, 2)), np.zeros(3, basis.dtype)
    for k, point in enumerate(observed):
        root[0, 0] = math.sqrt(max(information[point, 0, 0], TINY))
        root[0, 1] = information[point, 0, 1] / root[0, 0]
        root[1, 1] = math.sqrt(max(information[point, 1, 1] - root[0, 1] ** 2, TINY))
        first = gradient[point, 0] / root[0, 0]
        right[2 * k] = first
        right[2 * k + 1] = (gradient[point, 1] - root[0, 1] * first) / root[1, 1]
        x, y, z = turned[point, 0], turned[point, 1], turned[point, 2]
        scale = focal / camera[point, 2]
        across, down = scale * camera[point, 0], scale * camera[point, 1]  # pixels
        for i in range(2):
            row = jacobian[2 * k + i]
            along = root[i, 0] * across + root[i, 1] * down
            u, v, w = root[i, 0] * scale, root[i, 1] * scale, -along / camera[point, 2]
            row[0], row[1], row[2] = y * w - z * v, z * u - x * w, x * v - y * u
            row[3], row[4], row[5] = u, v, w
            for axis in range(3):
                by[axis] = u * rotation[0, axis] + v * rotation[1, axis] + w * rotation[2, axis]
            a, b, c = by[0], by[1], by[2]
            for mode in range(modes):
                row[POSE + mode] = (
                    a * basis[point, 0, mode]
                    + b * basis[point, 1, mode]
                    + c * basis[point, 2, mode]
                )
            if POSE + modes < len(row):
                row[POSE + modes] = along
