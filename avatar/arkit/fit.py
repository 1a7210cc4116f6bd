"""The ARKit weights that come nearest to a motion of vertices."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.arkit.live_link import WEIGHTS
from avatar.arkit.solve import solve_bounded
from avatar.heads import Head

RIDGE = 1e-9  # of the mean diagonal: units that do not move a mesh would make the problem singular


@dataclass(frozen=True)
class Misfit:
    """How far a fitted motion is from the true one: means over frames and vertices."""

    lips_mm: float
    all_mm: float
    lip_motion_mm: float  # how far the lips themselves move


def fit_weights(head: Head, chunks: Iterable[Tensor]) -> tuple[Tensor, Misfit]:
    """Weights [F, 52] in [0, 1], in the order of WEIGHTS, of offsets [f, V, 3] on a head's mesh.

    Each frame is fitted by itself, by least squares over all vertices.
    """
    units = head.units[[head.unit_names.index(name) for name in WEIGHTS]].flatten(1).double()
    gram = units @ units.T
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    ruler = MisfitRuler(head.regions["lips"])

    def solved() -> Iterator[Tensor]:
        for offsets in chunks:
            weights = solve_bounded(gram, offsets.flatten(1).double() @ units.T)
            ruler.add(offsets, (weights @ units).unflatten(1, (-1, 3)))
            yield weights

    return torch.cat(list(solved())).float(), ruler.misfit()


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
