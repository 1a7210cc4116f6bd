"""A film of exact landmarks is solved; a joint step is that of the whole system at once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from performances import Performance, degrees_between, performance
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.tracking.landmarks import expected_pixels, landmark_residuals
from avatar.tracking.model import FrameState, Person
from avatar.tracking.residuals import Equations, normal_equations, place
from avatar.tracking.solve import (
    FREEDOM,
    FocalPrior,
    joint_step,
    own_step,
    pitch_prior,
    weight_prior,
)
from avatar.tracking.stages import UPRIGHT, first_frame_state, solve_landmarks

PRIOR = FocalPrior(614.4)


@pytest.fixture(scope="module")
def shown() -> Performance:
    return performance()


def nobody(shown: Performance, focal: float = PRIOR.pixels) -> Person:
    return Person(torch.zeros_like(shown.person.shape), focal, shown.person.centre)


def equations(shown: Performance, person: Person, state: FrameState, found: Tensor) -> Equations:
    points = shown.landmarks.points
    placed = place(points, person, state)
    pulls = landmark_residuals(shown.landmarks, person, state, placed, found)
    return normal_equations(points, person, state, placed, pulls)


def test_a_pose_is_found_from_landmarks_alone(shown):
    pairs = [
        (first_frame_state(shown.model, shown.landmarks, shown.person, points), state)
        for points, state in zip(shown.points, shown.states, strict=True)
    ]
    assert np.median([degrees_between(a, b) for a, b in pairs]) < 3
    assert np.median([float((a.translation - b.translation).norm()) for a, b in pairs]) < 0.02


def test_pose_expression_person_and_focal_length_are_found(shown):
    solved = solve_landmarks(shown.model, nobody(shown), PRIOR, shown.points, free_focal=True)
    pairs = zip(solved.states, shown.states, strict=True)
    assert np.median([degrees_between(a, b) for a, b in pairs]) < 1.5
    assert 0.85 < solved.person.focal / shown.person.focal < 1.15
    missed = []
    for state, points in zip(solved.states, shown.points, strict=True):
        placed = place(shown.landmarks.points, solved.person, state)
        pixels = expected_pixels(shown.landmarks, solved.person, state, placed)
        missed.append(float((pixels - points[shown.landmarks.index]).norm(dim=1).median()))
        assert float(state.weights.min()) >= 0 and float(state.weights.max()) <= 1
    assert np.mean(missed) < 1.0


def test_a_known_focal_length_is_kept(shown):
    start = nobody(shown, shown.person.focal)
    prior = FocalPrior(start.focal, 0.03)
    solved = solve_landmarks(shown.model, start, prior, shown.points, free_focal=False)
    assert solved.person.focal == start.focal


def test_a_mirrored_film_gives_the_mirrored_turns(shown):
    """Landmarks mirrored in the picture, left and right exchanged by where they lie on the mesh."""
    landmarks = shown.landmarks
    middle = landmarks.points.mean.double()
    partner = torch.cdist(middle * torch.tensor([-1.0, 1, 1]).double(), middle).argmin(1)
    mirror = torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64))
    for points in shown.points:
        mirrored = points.clone()
        mirrored[landmarks.index] = points[landmarks.index[partner]]
        mirrored[:, 0] = 2 * shown.person.centre[0] - mirrored[:, 0]
        there, back = (
            first_frame_state(shown.model, landmarks, nobody(shown), one)
            for one in (points, mirrored)
        )
        expected = replace(there, rotation=mirror @ there.rotation @ mirror)
        assert degrees_between(expected, back) < 2.0


def test_a_joint_step_is_that_of_the_whole_system(shown):
    """Elimination frame by frame gives what solving all unknowns at once gives."""
    person, frames = nobody(shown), 3
    third = torch.full((len(shown.model.units),), 0.3, dtype=torch.float64)
    starts = [
        first_frame_state(shown.model, shown.landmarks, person, shown.points[k])
        for k in range(frames)
    ]
    states = [replace(start, weights=third) for start in starts]
    gathered = [equations(shown, person, states[k], shown.points[k]) for k in range(frames)]
    after, moved = joint_step(shown.model, person, states, lambda k, *_: gathered[k], PRIOR)
    step = whole_step(shown, person, states, gathered)
    own = 6 + len(shown.model.units)
    expected_shape = person.shape + step[frames * own : -1]
    torch.testing.assert_close(after.shape, expected_shape, atol=1e-6, rtol=0)
    assert after.focal == pytest.approx(person.focal * float(step[-1].exp()), rel=1e-6)
    for k, (before, now) in enumerate(zip(states, moved, strict=True)):
        expected = before.moved(step[k * own : (k + 1) * own])
        torch.testing.assert_close(now.rotation, expected.rotation, atol=1e-6, rtol=0)
        torch.testing.assert_close(now.weights, expected.weights, atol=1e-6, rtol=0)


def whole_step(
    shown: Performance, person: Person, states: list[FrameState], gathered: list[Equations]
) -> Tensor:
    """The naive form: one dense system of every frame and the person."""
    model, own = shown.model, 6 + len(shown.model.units)
    frames = len(states)
    size = frames * own + len(model.modes) + 1
    system = torch.zeros(size, size, dtype=torch.float64)
    right = torch.zeros(size, dtype=torch.float64)
    last = slice(frames * own, size)
    for k, (state, found) in enumerate(zip(states, gathered, strict=True)):
        mine = slice(k * own, (k + 1) * own)
        prior = weight_prior(model, state)
        inner = found.system[:own, :own].clone()
        inner[6:, 6:] += prior.system
        system[mine, mine] = inner + 1e-4 * inner.diagonal().diag()
        system[mine, last] = found.system[:own, own:]
        system[last, mine] = found.system[own:, :own]
        system[last, last] += found.system[own:, own:]
        right[mine] = found.gradient[:own]
        right[k * own + 6 : (k + 1) * own] += prior.gradient
        right[last] += found.gradient[own:]
    precision = torch.cat([model.precision.double(), torch.tensor([PRIOR.spread**-2.0]).double()])
    focal = torch.tensor([np.log(person.focal / PRIOR.pixels)])
    system[last, last] += precision.diag()
    right[last] += precision * torch.cat([person.shape, focal])
    across = system[: frames * own, last]
    inner = system[: frames * own, : frames * own]
    complement = system[last, last] - across.T @ torch.linalg.solve(inner, across)
    system[last, last] += 1e-4 * complement.diagonal().diag()
    return -torch.linalg.solve(system, right)


def test_weights_that_are_pushed_out_stay_at_their_bounds(shown):
    count = 6 + len(shown.model.units)
    push = torch.zeros(count, dtype=torch.float64)
    push[6] = 1e6  # the energy grows with the first weight
    found = Equations(torch.eye(count, dtype=torch.float64), push)
    weights = torch.zeros(count - 6, dtype=torch.float64)
    after = own_step(shown.model, replace(shown.states[0], weights=weights), found)
    assert float(after.weights.abs().max()) == 0


@pytest.mark.parametrize("turn", [(0.3, 0.0, 0.0), (0.2, -0.4, 0.1), (-0.1, 0.9, 0.3)])
def test_the_prior_of_the_pitch_is_the_slope_of_its_energy(shown, turn):
    spread = 0.1
    model = replace(shown.model, pitch_spread=spread)
    axis_angle = torch.tensor(turn, dtype=torch.float64)
    rotation = axis_angle_to_matrix(axis_angle) @ UPRIGHT.double()
    state = replace(shown.states[0], rotation=rotation)

    def energy(step: Tensor) -> Tensor:
        """Student's t: minus the logarithm of its density."""
        down = (axis_angle_to_matrix(step) @ state.rotation[:, 2])[1]
        return (FREEDOM + 1) / 2 * torch.log1p((down / spread) ** 2 / FREEDOM)

    still = torch.zeros(3, dtype=torch.float64)
    found = pitch_prior(model, state)
    slope = torch.autograd.functional.jacobian(energy, still)
    torch.testing.assert_close(found.gradient[:3], slope)
    assert not found.gradient[3:].any() and not pitch_prior(shown.model, state).gradient.any()
    step = torch.zeros(6 + len(shown.model.units), dtype=torch.float64)
    step[:3] = -torch.linalg.pinv(found.system[:3, :3]) @ found.gradient[:3]
    before, after = (float(each.rotation[1, 2].abs()) for each in (state, state.moved(step)))
    assert after < 0.1 * before
