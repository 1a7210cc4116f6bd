"""Shoulders that move by a known rigid motion."""

import pytest
import torch
from torch import Tensor

from avatar.tracking.torso_motion import (
    Shoulders,
    laid_onto,
    mean_shoulders,
    shoulders,
    usual_body,
)

SIZE = 256
CORNERS = torch.tensor([[-90.0, 40.0], [90.0, 40.0], [0.0, 120.0]])
NECK, AXIS = torch.tensor([0.01, -0.02, 0.8]), torch.tensor([4.0, -3.0])
BODY = usual_body(NECK, AXIS, 500.0, (SIZE, SIZE))
AT = BODY.points(CORNERS)
MOVES = (
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.005, -0.002, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0, -0.015),
    (0.0, 0.0, -0.02, 0.001, 0.001, 0.0),
    (0.04, 0.0, 0.0, 0.0, 0.0, -0.01),
    (-0.03, 0.02, 0.012, -0.006, 0.003, 0.01),
)


def body(motion: Tensor, head: Tensor | None = None) -> Shoulders:
    """A patterned body in front of nothing after a motion [6]; a head [H, W] covers it."""
    ticks = torch.arange(SIZE) + 0.5 - SIZE / 2
    pixels = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1).reshape(-1, 2)
    place = pixels.clone()
    for _ in range(20):  # where on the body at rest a pixel looks
        place += pixels - BODY.moved(motion, BODY.points(place))
    x, y = place.unbind(1)
    waves = [torch.sin(x / 10), torch.cos(y / 14 + 1), torch.sin((x + y) / 18)]
    colours = 0.5 + 0.3 * torch.stack(waves, -1)
    person = torch.sigmoid((y - 0.005 * x.square() - 4) / 2).view(SIZE, SIZE)
    picture = colours.view(SIZE, SIZE, 3)
    below = torch.ones(SIZE, SIZE, dtype=torch.bool)
    if head is not None:
        picture, below = torch.where(head[..., None], 0.9, picture), ~head
    return shoulders(picture, person, below)


def largest_miss(found: Tensor, true: Tensor) -> float:
    return float((BODY.moved(found, AT) - BODY.moved(true, AT)).norm(dim=1).max())


@pytest.mark.parametrize("move", MOVES)
def test_a_known_move_is_found(move: tuple[float, ...]):
    true = torch.tensor(move)
    found = laid_onto(BODY, body(torch.zeros(6)), body(true), torch.zeros(6))
    assert largest_miss(found, true) < 0.4
    assert float((found[:3] - true[:3]).abs().max()) < 0.011


def test_a_head_in_front_is_no_matter():
    head = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    head[:180, 100:150] = True
    true = torch.tensor([0.0, 0.0, 0.01, 0.004, 0.001, 0.0])
    found = laid_onto(BODY, body(torch.zeros(6)), body(true, head), torch.zeros(6))
    assert largest_miss(found, true) < 0.3


def test_where_no_shoulders_are_seen_nothing_moves():
    everywhere = torch.ones(SIZE, SIZE, dtype=torch.bool)
    start = torch.tensor([0.0, 0.0, 0.0, 0.001, 0.002, 0.0])
    found = laid_onto(BODY, body(torch.zeros(6)), body(torch.zeros(6), everywhere), start)
    assert found is start


def test_the_mean_body_is_where_bodies_are_on_average():
    moves = [torch.tensor([0.0, 0.0, 0.0, x / 600, 0.0, 0.0]) for x in (1, 2, 3, 4, 5)]
    mean = mean_shoulders(BODY, [body(move) for move in moves])
    found = torch.stack([laid_onto(BODY, mean, body(move), torch.zeros(6)) for move in moves])
    places = [BODY.moved(motion, AT) - CORNERS for motion in found]
    assert float(torch.stack(places).mean((0, 1)).norm()) < 0.1
    assert float((places[4] - places[0]).mean(0)[0]) == pytest.approx(4.4, abs=0.2)


def test_a_point_is_seen_where_it_was_found():
    positions = 100 * torch.rand(50, 2, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(BODY.seen(BODY.points(positions)), positions)
    assert bool((BODY.points(positions)[:, 2] <= BODY.neck[2]).all())


def test_a_motion_is_rigid_and_leaves_the_neck_but_for_its_shift():
    matrix = BODY.matrix(torch.tensor([0.1, -0.2, 0.05, 0.01, 0.02, 0.03]))
    torch.testing.assert_close(matrix[:3, :3] @ matrix[:3, :3].T, torch.eye(3).double())
    neck = matrix[:3, :3] @ BODY.neck.double() + matrix[:3, 3] - BODY.neck.double()
    torch.testing.assert_close(neck.float(), torch.tensor([0.01, 0.02, 0.03]))
