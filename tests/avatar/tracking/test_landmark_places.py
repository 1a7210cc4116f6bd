"""Where somebody's landmarks are told from how all frames miss them."""

from dataclasses import replace

import pytest
import torch
from performances import Performance, performance

from avatar.geometry.vectors import MM
from avatar.tracking.landmarks import (
    SKIN,
    SKIN_POINTS,
    LandmarkModel,
    expected_pixels,
    skin_points,
    with_person_offsets,
)
from avatar.tracking.residuals import place


@pytest.fixture(scope="module")
def shown() -> Performance:
    return performance(frames=24)


def found_as(
    landmarks: LandmarkModel, shown: Performance, scatter: float = 0
) -> list[torch.Tensor]:
    """What a network finds that sees the landmarks there, and errs by so many pixels besides."""
    random, found = torch.Generator().manual_seed(0), []
    for state in shown.states:
        placed = place(landmarks.points, shown.person, state)
        points = torch.zeros(478, 2, dtype=torch.float64)
        expected = expected_pixels(landmarks, shown.person, state, placed).double()
        noise = scatter * torch.randn(expected.shape, generator=random, dtype=torch.float64)
        points[landmarks.index] = expected + noise
        found.append(points)
    return found


def elsewhere(landmarks: LandmarkModel, by: float) -> LandmarkModel:
    """Every point somewhere else in head space, `by` metres along each axis on average."""
    points, random = landmarks.points, torch.Generator().manual_seed(1)
    offsets = by * torch.randn(points.mean.shape, generator=random)
    offsets[landmarks.index >= SKIN] = 0
    return replace(landmarks, points=replace(points, mean=points.mean + offsets))


def test_points_that_lie_elsewhere_are_expected_there(shown: Performance):
    there = elsewhere(shown.landmarks, 0.8 * MM)
    found = found_as(there, shown, scatter=0.5)
    own = with_person_offsets(shown.landmarks, shown.person, shown.states, found)
    left = (own.points.mean - there.points.mean).norm(dim=1).median()
    before = (shown.landmarks.points.mean - there.points.mean).norm(dim=1).median()
    assert float(before) > 1 * MM and float(left) < 0.55 * float(before)
    missed = [
        (
            expected_pixels(one, shown.person, state, place(one.points, shown.person, state))
            - points[one.index]
        )
        .norm(dim=1)
        .median()
        for one in (shown.landmarks, own)
        for state, points in zip(shown.states, found_as(there, shown), strict=True)
    ]
    before, after = torch.stack(missed).view(2, -1).mean(1).tolist()
    assert after < 0.4 * before


def test_points_that_are_found_where_they_are_stay_and_pupils_always(shown: Performance):
    own = with_person_offsets(shown.landmarks, shown.person, shown.states, shown.points)
    torch.testing.assert_close(own.points.mean, shown.landmarks.points.mean, atol=1e-6, rtol=0)
    shifted = [points + 3 for points in shown.points]
    own = with_person_offsets(shown.landmarks, shown.person, shown.states, shifted)
    moved = (own.points.mean - shown.landmarks.points.mean).norm(dim=1)
    pupils = shown.landmarks.index >= SKIN
    assert float(moved[pupils].max()) == 0 and float(moved[~pupils].median()) > 0.5 * MM


def test_one_frame_moves_nothing_far(shown: Performance):
    points = [shown.points[0] + 20]
    own = with_person_offsets(shown.landmarks, shown.person, shown.states[:1], points)
    moved = (own.points.mean - shown.landmarks.points.mean).norm(dim=1)
    assert float(moved.max()) < 4 * MM


LOWER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415)


def test_each_lip_has_its_own_landmarks(shown: Performance):
    """Lips touch at rest, so that a place may be nearest to the wrong one."""
    opened = skin_points(shown.model.head, shown.model.head.unit("jawOpen"))[:, 1]
    below, above = (
        -opened[[SKIN_POINTS.index(number) for number in lip]] for lip in (LOWER_LIP, UPPER_LIP)
    )
    assert float(below.min()) > 15 * MM
    assert bool((below > above + 8 * MM).all())
