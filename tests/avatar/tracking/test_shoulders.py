"""Shoulders that move in the picture by a known similarity, and what that says of the body."""

import pytest
import torch
from torch import Tensor

from avatar.tracking.torso_motion import (
    CHEST,
    Shoulders,
    laid_onto,
    mean_shoulders,
    moved,
    rigid_motion,
    shoulders,
)

SIZE = 256
MOVES = (
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 3.3, -1.4),
    (0.015, 0.0, 0.0, 0.0),
    (0.0, -0.02, 1.0, 0.5),
    (-0.01, 0.012, -4.0, 2.0),
)


def body(similarity: Tensor, head: Tensor | None = None) -> Shoulders:
    """A patterned body in front of nothing after a similarity; a head [H, W] covers it."""
    ticks = torch.arange(SIZE) + 0.5 - SIZE / 2
    pixels = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1).reshape(-1, 2)
    scale = complex(1 + float(similarity[0]), float(similarity[1]))
    shift = complex(*similarity[2:].tolist())
    place = (torch.complex(*pixels.double().T) - shift) / scale
    x, y = place.real.float(), place.imag.float()
    waves = [torch.sin(x / 10), torch.cos(y / 14 + 1), torch.sin((x + y) / 18)]
    colours = 0.5 + 0.3 * torch.stack(waves, -1)
    person = torch.sigmoid((y - 0.005 * x.square() - 4) / 2).view(SIZE, SIZE)
    picture = colours.view(SIZE, SIZE, 3)
    below = torch.ones(SIZE, SIZE, dtype=torch.bool)
    if head is not None:
        picture, below = torch.where(head[..., None], 0.9, picture), ~head
    return shoulders(picture, person, below)


def largest_miss(found: Tensor, true: Tensor) -> float:
    corners = torch.tensor([[-90.0, 40.0], [90.0, 40.0], [0.0, 120.0]])
    return float((moved(found, corners) - moved(true, corners)).norm(dim=1).max())


@pytest.mark.parametrize("move", MOVES)
def test_a_known_move_is_found(move: tuple[float, ...]):
    true = torch.tensor(move)
    assert largest_miss(laid_onto(body(torch.zeros(4)), body(true), torch.zeros(4)), true) < 0.3


def test_a_head_in_front_is_no_matter():
    head = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    head[:180, 100:150] = True
    true = torch.tensor([0.0, 0.01, 3.0, 1.0])
    found = laid_onto(body(torch.zeros(4)), body(true, head), torch.zeros(4))
    assert largest_miss(found, true) < 0.3


def test_where_no_shoulders_are_seen_nothing_moves():
    everywhere = torch.ones(SIZE, SIZE, dtype=torch.bool)
    start = torch.tensor([0.0, 0.0, 1.0, 2.0])
    found = laid_onto(body(torch.zeros(4)), body(torch.zeros(4), everywhere), start)
    assert found is start


def test_the_mean_body_is_where_bodies_are_on_average():
    moves = [torch.tensor([0.0, 0.0, float(x), 0.0]) for x in (1, 2, 3, 4, 5)]
    mean = mean_shoulders([body(move) for move in moves])
    found = torch.stack([laid_onto(mean, body(move), torch.zeros(4)) for move in moves])
    assert float(found[:, 2:].mean(0).norm()) < 0.1
    assert float((found[4] - found[0])[2]) == pytest.approx(4, abs=0.2)


def test_a_sway_looks_like_its_similarity():
    similarity, axis, focal = torch.tensor([0.02, 0.05, 6.0, -3.0]), torch.tensor([9.0, -5.0]), 600
    depth = 0.5 + CHEST  # of the neck; the chest is before it
    motion = rigid_motion(similarity, axis, focal, depth)
    points = torch.tensor([[-0.1, 0.1, 0.5], [0.1, 0.12, 0.5], [0.0, 0.2, 0.5]]).double()
    after = points @ motion[:3, :3].T + motion[:3, 3]

    def seen(points: Tensor) -> Tensor:
        return points[:, :2] / points[:, 2:] * focal + axis

    torch.testing.assert_close(seen(after), moved(similarity, seen(points)))
    assert torch.allclose(motion[:3, :3] @ motion[:3, :3].T, torch.eye(3).double())
