"""A linear probe finds a person who shows, and nobody where nobody does."""

import numpy as np
import pytest

from avatar.geometry.vectors import Floats
from avatar.heads.arkit import WEIGHTS
from research.evaluation.reenactment.evaluate import Given, identity_probe

FRAMES = 80


def takes(people: int, performances: int, noise: float = 0.0) -> dict[Given, Floats]:
    """Everybody gives the same performances; what a tracker makes of them differs by noise."""
    rng = np.random.default_rng(1)
    given = rng.random((performances, FRAMES, len(WEIGHTS))) ** 3
    return {
        (who, p): given[p] + noise * rng.standard_normal(given[p].shape)
        for who in range(people)
        for p in range(performances)
    }


@pytest.mark.parametrize("people", [2, 4])
def test_the_same_performances_tell_nothing(people: int):
    found = identity_probe(takes(people, 2, noise=0.05))
    assert found is not None
    assert found.chance == 1 / people
    assert found.accuracy == pytest.approx(found.chance, abs=0.07)


def test_a_person_who_always_frowns_is_found():
    given = takes(3, 2, noise=0.02)
    brow = WEIGHTS.index("browDownLeft")
    for who in range(3):
        for p in range(2):
            given[who, p][:, brow] = 0.3 * who + 0.02 * given[who, p][:, brow]
    found = identity_probe(given)
    assert found is not None and found.accuracy > 0.95
    assert found.telling[0] == "browDownLeft"


def test_it_takes_two_people_and_two_performances_that_both_gave():
    assert identity_probe({}) is None
    assert identity_probe(takes(1, 2)) is None
    assert identity_probe(takes(2, 1)) is None
    given = takes(2, 2)
    del given[1, 1]
    assert identity_probe(given) is None
