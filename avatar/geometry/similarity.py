"""Similarities (one scale, one rotation, one translation), and how far a fitted motion of vertices
is from the true one."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.vectors import Floats


@dataclass(frozen=True)
class Similarity:
    """x ↦ scale · rotation x + translation."""

    scale: float
    rotation: Floats  # [3, 3]
    translation: Floats  # [3]

    def apply(self, points: Floats) -> Floats:
        """Moved points [..., 3]."""
        return self.scale * points @ self.rotation.T + self.translation

    def inverse(self) -> "Similarity":
        """The way back."""
        rotation = self.rotation.T
        return Similarity(1 / self.scale, rotation, -rotation @ self.translation / self.scale)

    def then(self, other: "Similarity") -> "Similarity":
        """First this, then the other."""
        rotation = other.rotation @ self.rotation
        return Similarity(other.scale * self.scale, rotation, other.apply(self.translation))

    def of_tensor(self, points: Tensor) -> Tensor:
        """Moved points [..., 3]."""
        return torch.from_numpy(self.apply(points.double().numpy())).to(points.dtype)

    def of_motions(self, motions: Tensor) -> Tensor:
        """Rigid motions [..., 4, 4] of the one space as those of the other."""
        there, back = self._matrix(), self.inverse()._matrix()
        return (there @ motions.double() @ back).to(motions.dtype)

    def _matrix(self) -> Tensor:
        """[4, 4] float64."""
        matrix = torch.eye(4, dtype=torch.float64)
        matrix[:3, :3] = torch.from_numpy(self.scale * self.rotation)
        matrix[:3, 3] = torch.from_numpy(self.translation)
        return matrix


IDENTITY = Similarity(1.0, np.eye(3), np.zeros(3))


def fit_similarity(source: Floats, target: Floats, weights: Floats | None = None) -> Similarity:
    """The least-squares similarity from source [P, 3] to target [P, 3] (Umeyama 1991, equations 34
    to 42), with weights [P]."""
    share = np.ones(len(source)) if weights is None else weights
    share = share / share.sum()
    middle_source, middle_target = share @ source, share @ target
    from_middle, to_middle = source - middle_source, target - middle_target
    u, sizes, vt = np.linalg.svd((share[:, None] * to_middle).T @ from_middle)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((sizes * sign).sum() / (share @ (from_middle**2).sum(1)))
    return Similarity(scale, rotation, middle_target - scale * rotation @ middle_source)


def fit_rotations(source: Tensor, target: Tensor) -> Tensor:
    """The least-squares rotations [..., 3, 3] from points [..., P, 3] about their middles to others
    (Kabsch 1976, Acta Crystallographica A32:922-3)."""
    u, _, vt = torch.linalg.svd(target.mT @ source)
    proper = torch.ones_like(u[..., 0])  # [..., 3]
    proper[..., 2] = torch.linalg.det(u @ vt)
    return u @ (proper[..., None] * vt)


def fit_motion(source: Tensor, target: Tensor) -> Tensor:
    """The least-squares rigid motion [4, 4] from source [P, 3] to target [P, 3]."""
    before, after = source.double().numpy(), target.double().numpy()
    rotation = fit_similarity(before, after).rotation
    found = torch.eye(4)
    found[:3, :3] = torch.from_numpy(rotation)
    found[:3, 3] = torch.from_numpy(after.mean(0) - rotation @ before.mean(0))
    return found


@dataclass(frozen=True)
class Misfit:
    """How far a fitted motion is from the true one: means over frames and vertices."""

    lips_mm: float
    all_mm: float
    lip_motion_mm: float  # how far the lips themselves move

    def scaled(self, scale: float) -> "Misfit":
        """The same of a mesh that was measured in another unit."""
        return Misfit(*(scale * length for length in astuple(self)))


def misfits(offsets: Tensor, fitted: Tensor, lips: Tensor) -> Tensor:
    """The figures of a `Misfit` [f, 3] of each frame; offsets and their fit [f, V, 3] in metres."""
    apart = (offsets - fitted).norm(dim=-1)  # [f, V]
    means = apart[:, lips].mean(1), apart.mean(1), offsets[:, lips].norm(dim=-1).mean(1)
    return 1000 * torch.stack(means, 1).double()


def mean_misfit(frames: Sequence[Tensor]) -> Misfit:
    """The mean of the figures [f, 3] of all frames."""
    return Misfit(*torch.cat([*frames]).mean(0).tolist())
