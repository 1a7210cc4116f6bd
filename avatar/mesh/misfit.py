"""How far a fitted motion of vertices is from the true one."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Misfit:
    """How far a fitted motion is from the true one: means over frames and vertices."""

    lips_mm: float
    all_mm: float
    lip_motion_mm: float  # how far the lips themselves move

    def scaled(self, scale: float) -> "Misfit":
        """The same of a mesh that was measured in another unit."""
        return Misfit(
            *(scale * length for length in (self.lips_mm, self.all_mm, self.lip_motion_mm))
        )


class MisfitRuler:
    """Adds up distances between a motion and its fit."""

    def __init__(self, lips: Tensor) -> None:
        self.lips = lips
        self.sums = torch.zeros(3, dtype=torch.float64)
        self.frames = 0

    def add(self, offsets: Tensor, fitted: Tensor) -> None:
        """Offsets and their fit [f, V, 3] in metres."""
        apart = (offsets - fitted).norm(dim=-1)  # [f, V]
        moved = offsets[:, self.lips].norm(dim=-1)
        means = (apart[:, self.lips].mean(1), apart.mean(1), moved.mean(1))
        self.sums += torch.stack([mean.sum() for mean in means]).double()
        self.frames += len(offsets)

    def misfit(self) -> Misfit:
        lips, everywhere, motion = (self.sums / max(self.frames, 1) * 1000).tolist()
        return Misfit(lips, everywhere, motion)
