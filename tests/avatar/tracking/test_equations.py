"""The normal equations are the derivatives of the energy."""

from dataclasses import replace

import pytest
import torch
from performances import performance
from torch import Tensor

from avatar.tracking.model import PointModel
from avatar.tracking.residuals import Residuals, normal_equations, place

POINTS = 40
STEP = 1e-6


def doubled(points: PointModel) -> PointModel:
    some = points.at(torch.arange(0, len(points.mean), len(points.mean) // POINTS))
    return replace(some, mean=some.mean.double(), basis=some.basis.double())


def some_pulls(count: int) -> Residuals:
    random = torch.Generator().manual_seed(0)
    root = torch.randn(count, 2, 2, generator=random, dtype=torch.float64)
    gradient = torch.randn(count, 2, generator=random, dtype=torch.float64)
    return Residuals(root.mT @ root, gradient)


@pytest.fixture(scope="module")
def shown():
    return performance(frames=2)


def test_the_gradient_is_that_of_the_pulls(shown):
    """Moving any unknown a little changes the linear energy as the gradient says."""
    points, person = doubled(shown.landmarks.points), shown.person
    state = replace(shown.states[1], weights=torch.full((points.units,), 0.5).double())
    placed = place(points, person, state)
    pulls = some_pulls(len(points.mean))
    gradient = normal_equations(points, person, state, placed, pulls).gradient

    def linear(step: Tensor) -> Tensor:
        own = 6 + points.units
        focal = person.focal * float(step[-1].exp())
        changed = replace(person, shape=person.shape + step[own:-1], focal=focal)
        moved = place(points, changed, state.moved(step[:own])).pixels
        return (pulls.gradient * (moved - placed.pixels)).sum()

    steps = STEP * torch.eye(len(gradient), dtype=torch.float64)
    measured = torch.stack([(linear(step) - linear(-step)) / (2 * STEP) for step in steps])
    torch.testing.assert_close(gradient, measured, rtol=1e-4, atol=1e-4)


def test_the_system_is_that_of_the_jacobian(shown):
    points, person, state = doubled(shown.landmarks.points), shown.person, shown.states[1]
    placed = place(points, person, state)
    count = len(points.mean)
    pulls = some_pulls(count)
    system = normal_equations(points, person, state, placed, pulls).system
    rows = []
    for index in range(count):
        for axis in range(2):
            unit = torch.zeros(count, 2, dtype=torch.float64)
            unit[index, axis] = 1
            one = Residuals(torch.eye(2, dtype=torch.float64).expand(count, 2, 2), unit)
            rows.append(normal_equations(points, person, state, placed, one).gradient)
    jacobian = torch.stack(rows).view(count, 2, -1)
    expected = torch.einsum("pik,pij,pjl->kl", jacobian, pulls.information, jacobian)
    torch.testing.assert_close(system, expected, rtol=1e-9, atol=1e-5)


def test_a_known_person_has_the_same_equations_less_their_own(shown):
    points, person, state = doubled(shown.landmarks.points), shown.person, shown.states[0]
    own = points.of_person(person.shape)
    placed = place(points, person, state)
    torch.testing.assert_close(place(own, person, state).pixels, placed.pixels)
    pulls = some_pulls(len(points.mean))
    whole = normal_equations(points, person, state, placed, pulls)
    alone = normal_equations(own, person, state, placed, pulls)
    size = 6 + points.units
    torch.testing.assert_close(alone.system, whole.system[:size, :size])
    torch.testing.assert_close(alone.gradient, whole.gradient[:size])


def test_pulls_that_want_nothing_ask_for_nothing(shown):
    points, person, state = doubled(shown.landmarks.points), shown.person, shown.states[0]
    count = len(points.mean)
    nothing = Residuals(torch.zeros(count, 2, 2).double(), torch.zeros(count, 2).double())
    found = normal_equations(points, person, state, place(points, person, state), nothing)
    assert float(found.gradient.abs().max()) == 0
    assert float(found.system.abs().max()) < 1e-3
