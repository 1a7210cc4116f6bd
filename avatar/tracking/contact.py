"""Lips are as far apart as was seen or they touch, and are never in each other."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from avatar.mesh.vectors import MM
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

NEAR = 0.35 * MM  # a gap at which lips still draw each other, by a quarter
LOOSE = 0.5 * MM  # how far apart lips that touch are
SEEN_SHUT = 0.5 * MM  # how far above the lower lip the tracker sees the upper when they touch
OPEN = 1.0 * MM  # and how much farther three quarters of what was seen are true
OPEN_SPREAD = 0.1  # of a unit's weight around what the rest leaves of it
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
    free = _named(model, MOUTH)
    return [replace(one, weights=_meeting(apart, ways, free, one.weights)) for one in moments]


def as_open_as_seen(
    model: FaceModel, person: Person, moments: Sequence[Moment], seen: Tensor
) -> list[Moment]:
    """The moments with lips that are as far apart, where they are, as the pictures show them.

    seen: the gaps [F, P, 3] before a face at rest was found whose lips are shut. Lips that touch
    are seen a little apart: the less the mouth is open, the less of what was seen is true.
    """
    up = (seen[..., 1].mean(1) - SEEN_SHUT).clamp(min=0)
    return with_gaps(model, person, moments, (1 - _nearness(up, OPEN))[:, None, None] * seen)


def with_gaps(
    model: FaceModel,
    person: Person,
    moments: Sequence[Moment],
    wanted: Tensor,
    by: tuple[str, ...] = MOUTH,
) -> list[Moment]:
    """The moments with lips that have the gaps [F, P, 3], in metres, as nearly as a little more or
    less of the units can do it whose names begin so."""
    _, ways = (part.double() for part in lips_apart(model, person))
    free = _named(model, by)
    along = ways[..., free]
    system = torch.einsum("pxe,pxf->ef", along, along) / LOOSE**2 / len(along)
    system += OPEN_SPREAD**-2 * torch.eye(len(free)).to(system)
    opened = []
    missing = (wanted - gaps(model, person, moments)) / LOOSE**2 / len(along)
    for moment, lost in zip(moments, missing, strict=True):
        weights = moment.weights.clone()
        step = _bounded(system, torch.einsum("pxe,px->e", along, lost), weights[free].to(along))
        weights[free] = (weights[free] + step.to(weights)).clamp(0, 1)
        opened.append(replace(moment, weights=weights))
    return opened


def gaps(model: FaceModel, person: Person, moments: Sequence[Moment]) -> Tensor:
    """From the lower inner lip to the upper in each moment [F, P, 3], metres."""
    apart, ways = (part.double() for part in lips_apart(model, person))
    return torch.stack([apart + ways @ one.weights.to(apart) for one in moments])


def lips_apart(model: FaceModel, person: Person) -> tuple[Tensor, Tensor]:
    """From the lower inner lip to the upper: at rest [P, 3], and what units add to it [P, 3, E]."""
    upper, lower = (model.head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    rest = model.rest(person.shape)
    ways = (model.units[:, upper] - model.units[:, lower]).permute(1, 2, 0)
    return rest[upper] - rest[lower], ways


def _bounded(system: Tensor, right: Tensor, weights: Tensor) -> Tensor:
    """The step [E] from weights [E] that solves the system [E, E] and leaves them in [0, 1]: what
    would go beyond is held there, and the others do its part."""
    step, held = torch.zeros_like(right), torch.zeros(len(right), dtype=torch.bool)
    for _ in range(ROUNDS):
        left = torch.where(held, step, right - system @ (step * held))
        inner = system * (~held[:, None] & ~held) + held.to(system).diag()
        full = torch.linalg.solve(inner, left)
        step = (weights + full).clamp(0, 1) - weights
        held = held | (step != full)
    return step


def _named(model: FaceModel, first: tuple[str, ...]) -> Tensor:
    """Which units have names that begin so."""
    names = model.head.unit_names
    return torch.tensor([k for k, name in enumerate(names) if name.startswith(first)])


def _nearness(gap: Tensor, scale: float) -> Tensor:
    """1 for a gap of nothing to 0 for a wide one (Geman and McClure 1985)."""
    return (scale**2 / (scale**2 + gap.square())) ** 2


def _meeting(apart: Tensor, ways: Tensor, free: Tensor, weights: Tensor) -> Tensor:
    """Weights [E] of one moment; gaps are apart [P, 3] + ways [P, 3, E] · weights."""
    told = apart + ways @ weights.to(apart)
    along = ways[..., free]
    step = torch.zeros(len(free)).to(apart)
    before = weights[free].to(apart)
    for _ in range(ROUNDS):
        gaps = told + along @ step
        near = _nearness(gaps.norm(dim=1), NEAR)
        pull = torch.where(gaps[:, 1] < 0, 1.0, near) / LOOSE**2 / len(gaps)  # [P]
        system = torch.einsum("pxe,p,pxf->ef", along, pull, along)
        system += WEIGHT_SPREAD**-2 * torch.eye(len(free)).to(system)
        right = torch.einsum("pxe,p,px->e", along, pull, told)
        step = (before - torch.linalg.solve(system, right)).clamp(0, 1) - before
    after = weights.clone()
    after[free] = (before + step).to(after)
    return after
