"""Errors that all people share, by the view, and what is left of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.synthetic.landmarks.examples import Examples
from avatar.tracking.landmark_errors import FEATURES, view_features
from avatar.tracking.landmarks import FACING, SEEN

RIDGE = 0.3  # pictures' worth of no error
HUBER = 2.5e-3  # metres
ROUNDS = 4
MEDIAN = 1.1774  # of the length of a normal vector in the plane, in standard deviations


def fit_errors(examples: Sequence[Examples]) -> tuple[Tensor, Tensor]:
    """The expected errors [L, 2, FEATURES] and the spread [L] around them, in metres, by robust
    ridge regression of each landmark on the view."""
    errors = torch.cat([one.errors for one in examples]).transpose(0, 1)  # [L, F, 2]
    rows = view_features(torch.cat([one.views for one in examples])).to(errors)  # [F, K]
    facing = torch.cat([one.facing for one in examples]).T
    share = ((facing - FACING) / (SEEN - FACING)).clamp(0, 1)  # [L, F]
    weight, left = share, errors
    found = errors.new_zeros(len(errors), FEATURES, 2)
    for _ in range(ROUNDS):
        weighed = rows * weight[..., None]  # [L, F, K]
        system = weighed.mT @ rows + RIDGE * torch.eye(FEATURES).to(rows)
        found = torch.linalg.solve(system, weighed.mT @ errors)
        left = errors - rows @ found
        weight = share * (HUBER / left.norm(dim=-1).clamp(min=HUBER))
    lengths = torch.where(share > 0, left.norm(dim=-1), torch.nan)
    return found.mT, (lengths.nanmedian(1).values / MEDIAN).nan_to_num(HUBER)


def symmetric(errors: Tensor, partner: Tensor) -> Tensor:
    """The mean of errors [L, 2, FEATURES] and those of each landmark's partner [L] on the other
    side, mirrored: people are alike on both sides, the lamps of our pictures are not."""
    across = torch.tensor([-1.0, 1.0]).to(errors)[:, None]
    views = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]).to(errors)  # of (-across, up)
    return (errors + across * views * errors[partner]) / 2
