"""What the tracking left wrong: the mesh of each timestep, the colours of each camera."""

from dataclasses import dataclass

import torch
from torch import Tensor

BETAS = (0.9, 0.99)
EPSILON = 1e-15


@dataclass(frozen=True)
class RowAdam:
    """Values of which a step touches one row, with Adam's moments; all change in place."""

    values: Tensor  # [R, ...]
    first: Tensor
    second: Tensor
    steps: Tensor  # [R] int64

    def step(self, row: int, gradient: Tensor, rate: float) -> None:
        """Adam (Kingma and Ba 2015, algorithm 1) on one row."""
        low, high = BETAS
        self.steps[row] += 1
        count = int(self.steps[row])
        self.first[row].lerp_(gradient, 1 - low)
        self.second[row].lerp_(gradient.square(), 1 - high)
        mean = self.first[row] / (1 - low**count)
        deviation = (self.second[row] / (1 - high**count)).sqrt() + EPSILON
        self.values[row] -= rate * mean / deviation


def row_adam(values: Tensor) -> RowAdam:
    """Rows without a past."""
    steps = torch.zeros(len(values), dtype=torch.int64)
    return RowAdam(values, torch.zeros_like(values), torch.zeros_like(values), steps)


def no_colour_change(count: int) -> Tensor:  # [C, 2, 3] log gain, offset
    """Every camera or moment as it is."""
    return torch.zeros(count, 2, 3)


def recolour(subject: Tensor, alpha: Tensor, correction: Tensor) -> Tensor:
    """A drawn subject [H, W, 3], multiplied by its alpha [H, W], as a camera with log gain and
    offset [2, 3] sees it."""
    return subject * correction[0].exp() + alpha[..., None] * correction[1]
