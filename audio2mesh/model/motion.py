"""Motion as coefficients on a linear basis of vertex offsets, and its change of frame rate."""

from dataclasses import dataclass

import torch
from torch import Tensor

from common.errors import InputError

BASIS_FRAMES = 1000
"""Frames, spread evenly over all motion, from which a basis is computed: up to twice as many.

Memory goes with the square of their number, time with its cube. K directions of n sampled frames
leave about 1 + K/n times the energy that the best K directions of all frames leave. An expression
that is held for less than a sampling step only may be missed.
"""

_TOLERANCE, _MOST = 1e-7, 64  # share of the energy that a basis may lack; directions


@dataclass(frozen=True)
class Motion:
    """Vertex motion that lies in the span of a basis."""

    coefficients: Tensor  # [.., F, K]
    basis: Tensor  # [K, V, 3] metres; rows orthogonal and of one length

    def offsets(self, vertices: Tensor | None = None) -> Tensor:
        """Offsets [.., F, n, 3] in metres of the chosen vertices, or of all of them."""
        basis = self.basis if vertices is None else self.basis[:, vertices]
        return (self.coefficients @ basis.flatten(1)).unflatten(-1, (-1, 3))


def basis_stride(frames: int) -> int:
    """Every how many-th frame a basis is computed from."""
    return max(1, frames // BASIS_FRAMES)


def motion_basis(offsets: Tensor) -> Tensor:
    """Principal directions [K, V, 3] of offsets [F, V, 3] about the rest face.

    Rows are orthogonal and scaled alike, so that squared distances between coefficients are squared
    distances between vertices up to one factor, and the leading coefficient has RMS 1. Directions
    that together carry less than `_TOLERANCE` of the energy are dropped.
    """
    flat = offsets.flatten(1).double()  # [F, 3V]
    energy, vectors = torch.linalg.eigh(flat @ flat.T)
    energy, vectors = energy.flip(0).clamp_min(0), vectors.flip(1)
    if energy[0] <= 0:
        raise InputError("the training motion never moves")
    missing = 1 - energy.cumsum(0) / energy.sum()
    count = min(_MOST, int((missing > _TOLERANCE).sum()) + 1)
    directions = vectors[:, :count].T @ flat / energy[:count, None].sqrt()  # [K, 3V] orthonormal
    scale = (energy[0] / len(flat)).sqrt()
    return (directions * scale).float().unflatten(1, (-1, 3))


def project(offsets: Tensor, basis: Tensor) -> Tensor:
    """Coefficients [.., K] of the least-squares fit of `basis` to offsets [.., V, 3]."""
    flat = basis.flatten(1)
    return offsets.flatten(-2) @ flat.T / flat[0].square().sum()


def sample_curves(curves: Tensor, positions: Tensor) -> Tensor:
    """Values [n, K] of curves [F, K] at fractional frame positions [n], by Catmull-Rom splines.

    Beyond its ends a curve keeps its end value.
    """
    last = len(curves) - 1
    positions = positions.clamp(0, last)
    first = positions.floor().clamp(max=max(last - 1, 0)).long()
    t = (positions - first)[:, None].to(curves)
    p0, p1, p2, p3 = (curves[(first + i).clamp(0, last)] for i in (-1, 0, 1, 2))
    m1, m2 = (p2 - p0) / 2, (p3 - p1) / 2
    square, cube = t * t, t * t * t
    return (
        (2 * cube - 3 * square + 1) * p1
        + (cube - 2 * square + t) * m1
        + (3 * square - 2 * cube) * p2
        + (cube - square) * m2
    )
