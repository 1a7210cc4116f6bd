"""Whether a performance tells who gave it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avatar.arkit import WEIGHTS
from avatar.mesh.vectors import Bools, Floats, Ints

RIDGE = 0.01  # of a unit's variance
LEAST_SPREAD = 1e-3  # of a weight: less is no motion
TELLING = 5  # units that are named

Given = tuple[int, int]
"""Who gave which performance."""


@dataclass(frozen=True)
class IdentityProbe:
    """What a linear probe finds out."""

    accuracy: float  # share of the frames whose person it names
    chance: float
    telling: tuple[str, ...]  # the units whose means differ most between people


def identity_probe(takes: Mapping[Given, Floats]) -> IdentityProbe | None:
    """Name the person of every frame of weights [F, 52] by the person's other performances.

    Only performances that all the people gave count; None with fewer than two people or
    performances. The probe is linear discriminant analysis.
    """
    people = sorted({person for person, _ in takes})
    given = [{p for someone, p in takes if someone == person} for person in people]
    common = sorted(set.intersection(*given)) if given else []
    if len(people) < 2 or len(common) < 2:
        return None
    rows = [(takes[person, p], who, p) for who, person in enumerate(people) for p in common]
    weights = np.concatenate([each for each, _, _ in rows])
    person, performance = (
        np.concatenate([np.full(len(row[0]), row[column]) for row in rows]) for column in (1, 2)
    )
    named = np.concatenate(
        [_named(weights, person, performance == p) == person[performance == p] for p in common]
    )
    return IdentityProbe(float(named.mean()), 1 / len(people), _telling(weights, person))


def _named(weights: Floats, person: Ints, asked: Bools) -> Ints:
    """The person of each asked frame, by a probe that learned from the others."""
    scaled = weights / np.maximum(weights[~asked].std(0), LEAST_SPREAD)
    learned, whose = scaled[~asked], person[~asked]
    means = np.stack([learned[whose == who].mean(0) for who in range(person.max() + 1)])
    within = np.cov((learned - means[whose]).T) + RIDGE * np.eye(learned.shape[1])
    towards = np.linalg.solve(within, means.T)  # [52, people]
    return (scaled[asked] @ towards - (means * towards.T).sum(1) / 2).argmax(1)


def _telling(weights: Floats, person: Ints) -> tuple[str, ...]:
    means = np.stack([weights[person == who].mean(0) for who in range(person.max() + 1)])
    ratio = means.std(0) / np.maximum(weights.std(0), LEAST_SPREAD)
    return tuple(WEIGHTS[unit] for unit in np.argsort(-ratio)[:TELLING])
