"""Lips are apart or they touch, and never in each other."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from avatar.mesh.vectors import MM
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

NEAR = 0.35 * MM  # a gap at which lips still draw each other, by a quarter
LOOSE = 0.5 * MM  # how far apart lips that touch are
WEIGHT_SPREAD = 0.05  # of a unit's weight around what the frame told
ROUNDS = 4
MOUTH = ("jaw", "mouth")


def touching(model: FaceModel, person: Person, moments: Sequence[Moment]) -> list[Moment]:
    """The moments with lips that meet where the pictures show them nearly shut, or shut too far.

    Iterated reweighting of the pairs of the inner lips: by Geman and McClure's weight (1985) those
    that are apart, so that an open mouth feels nothing, and fully those where the upper lip is
    below the lower. The weights of mouth and jaw change as little as they can.
    """
    apart, ways = (part.double() for part in lips_apart(model, person))
    names = model.head.unit_names
    free = torch.tensor([k for k, name in enumerate(names) if name.startswith(MOUTH)])
    return [replace(one, weights=_meeting(apart, ways, free, one.weights)) for one in moments]


def lips_apart(model: FaceModel, person: Person) -> tuple[Tensor, Tensor]:
    """From the lower inner lip to the upper: at rest [P, 3], and what units add to it [P, 3, E]."""
    upper, lower = (model.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    rest = model.rest(person.shape)
    ways = (model.units[:, upper] - model.units[:, lower]).permute(1, 2, 0)
    return rest[upper] - rest[lower], ways


def _meeting(apart: Tensor, ways: Tensor, free: Tensor, weights: Tensor) -> Tensor:
    """Weights [E] of one moment; gaps are apart [P, 3] + ways [P, 3, E] · weights."""
    told = apart + ways @ weights.to(apart)
    along = ways[..., free]
    step = torch.zeros(len(free)).to(apart)
    before = weights[free].to(apart)
    for _ in range(ROUNDS):
        gaps = told + along @ step
        near = (NEAR**2 / (NEAR**2 + gaps.square().sum(1))) ** 2
        pull = torch.where(gaps[:, 1] < 0, 1.0, near) / LOOSE**2 / len(gaps)  # [P]
        system = torch.einsum("pxe,p,pxf->ef", along, pull, along)
        system += WEIGHT_SPREAD**-2 * torch.eye(len(free)).to(system)
        right = torch.einsum("pxe,p,px->e", along, pull, told)
        step = (before - torch.linalg.solve(system, right)).clamp(0, 1) - before
    after = weights.clone()
    after[free] = (before + step).to(after)
    return after
