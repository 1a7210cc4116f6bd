"""What all people share in how landmarks err: by the view, and by how faces are seen as alike."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from avatar.synthetic.landmarks.examples import Examples
from avatar.tracking.landmark_errors import FEATURES, view_features
from avatar.tracking.landmarks import EYES, FACING, LIPS, NOSE, SEEN, SKIN_POINTS

RIDGE = 0.3  # pictures' worth of no error
HUBER = 2.5e-3  # metres
ROUNDS = 4
MEDIAN = 1.1774  # of the length of a normal vector in the plane, in standard deviations
GROUPS = (LIPS, EYES, NOSE)  # and all the others: so many landmarks have a gain in common


class FittedErrors(NamedTuple):
    """What is shipped of L landmarks."""

    errors: Tensor  # [L, 2, FEATURES] metres
    spread: Tensor  # [L] metres
    person_gain: Tensor  # [L]
    unit_gain: Tensor  # [L]


def fit_errors(examples: Sequence[Examples]) -> FittedErrors:
    """Robust ridge regression of each landmark's errors on the view, and of each group's on what
    sets the person and the expression apart, in turn."""
    one = Examples(*(torch.cat(column) for column in zip(*map(_parts, examples), strict=True)))
    share = ((one.facing - FACING) / (SEEN - FACING)).clamp(0, 1)  # [F, L]
    weight, lost = share, torch.zeros_like(one.errors)
    errors, gains = one.errors, torch.ones(one.errors.shape[1], 2)
    for _ in range(ROUNDS):
        errors = _by_view(one, one.errors - lost, weight)
        left = one.errors - torch.einsum("lck,fk->flc", errors, view_features(one.views))
        gains = _gains(one, left, weight)
        lost = (gains[:, :1] - 1) * one.person + (gains[:, 1:] - 1) * one.expression
        weight = share * (HUBER / (left - lost).norm(dim=-1).clamp(min=HUBER))
    lengths = torch.where(share > 0, (left - lost).norm(dim=-1), torch.nan)
    spread = (lengths.nanmedian(0).values / MEDIAN).nan_to_num(HUBER)
    return FittedErrors(errors, spread, gains[:, 0], gains[:, 1])


def _parts(one: Examples) -> tuple[Tensor, ...]:
    return one.errors, one.views, one.facing, one.person, one.expression


def _by_view(one: Examples, errors: Tensor, weight: Tensor) -> Tensor:
    """Expected errors [L, 2, FEATURES] of errors [F, L, 2] with weights [F, L]."""
    rows = view_features(one.views).to(errors)  # [F, K]
    weighed = rows * weight.T[..., None]  # [L, F, K]
    system = weighed.mT @ rows + RIDGE * torch.eye(FEATURES).to(rows)
    return torch.linalg.solve(system, weighed.mT @ errors.transpose(0, 1)).mT


def _gains(one: Examples, left: Tensor, weight: Tensor) -> Tensor:
    """The gains [L, 2] of person and expression that errors [F, L, 2] tell of; what all landmarks
    of a picture have in common is its pose."""
    found = torch.ones(left.shape[1], 2).to(left)
    total = weight.sum(1)[:, None, None]
    centred = [
        each - (each * weight[..., None]).sum(1, keepdim=True) / total
        for each in (left, one.person, one.expression)
    ]
    for group in _groups(left.shape[1]):
        off, *ways = ((weight[..., None].sqrt() * each)[:, group].flatten() for each in centred)
        found[group] += torch.linalg.lstsq(torch.stack(ways, 1), off[:, None]).solution[:, 0]
    return found


def _groups(count: int) -> list[Tensor]:
    """The landmarks of each group, as places among `count` of the skin."""
    points = torch.tensor(SKIN_POINTS[:count])
    inside = [torch.isin(points, torch.tensor(group)) for group in GROUPS]
    inside.append(~torch.stack(inside).any(0))
    return [one.nonzero().squeeze(1) for one in inside if one.any()]


def symmetric(errors: Tensor, partner: Tensor) -> Tensor:
    """The mean of errors [L, 2, FEATURES] and those of each landmark's partner [L] on the other
    side, mirrored: people are alike on both sides, the lamps of our pictures are not."""
    across = torch.tensor([-1.0, 1.0]).to(errors)[:, None]
    views = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]).to(errors)  # of (-across, up)
    return (errors + across * views * errors[partner]) / 2
