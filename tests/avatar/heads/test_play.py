"""A take on the film's clock, and angles as poses."""

import numpy as np
import pytest
import torch

from avatar.avatar_io.live_link import Take, sample_take, take_frames
from avatar.geometry.rotations import axis_angle_to_matrix, head_angles, head_poses


def ramp(rows: int, fps: float) -> Take:
    """Every weight grows from 0 to 1, as a function of time at the middle of each row."""
    times = np.arange(rows) / fps
    grown = (times + 0.5 / fps) / (rows / fps)
    return Take(times, np.repeat(grown[:, None], 52, 1), np.repeat(grown[:, None], 3, 1))


@pytest.mark.parametrize("fps", [60.0, 30.0, 25.0, 24.0])
def test_the_clock_is_kept(fps: float):
    weights, head = sample_take(ramp(120, 60.0), fps)
    frames = round(2 * fps)
    middle = (torch.arange(frames) + 0.5) / frames
    inside = slice(1, -1)  # at the ends a take keeps its first and last row
    assert len(weights) == len(head) == take_frames(ramp(120, 60.0), fps) == frames
    assert torch.allclose(weights[inside], middle[inside, None].expand(-1, 52), atol=1e-5)


def test_at_its_own_rate_a_take_stays_as_it_is():
    take = ramp(50, 25.0)
    weights, _ = sample_take(take, 25.0)
    assert np.abs(weights.numpy() - take.weights).max() < 1e-6


def test_a_single_row_makes_a_film():
    take = Take(np.zeros(1), np.full((1, 52), 0.3), np.zeros((1, 3)))
    weights, _ = sample_take(take, 25.0)
    assert weights.shape == (1, 52)
    assert torch.allclose(weights, torch.tensor(0.3))


def test_angles_come_back():
    angles = torch.empty(100, 3).uniform_(-1.2, 1.2, generator=torch.manual_seed(0))
    assert torch.allclose(head_angles(head_poses(angles, torch.rand(3))), angles, atol=1e-5)


@pytest.mark.parametrize(
    ("angle", "point", "axis", "sign"),
    [
        (0, [0.0, 0, 1], 0, 1),  # yaw turns the face to the subject's left, +x
        (1, [0.0, 0, 1], 1, 1),  # pitch turns it up, +y
        (2, [0.0, 1, 0], 0, -1),  # roll tips the top to the subject's right, -x
    ],
)
def test_angles_turn_the_right_way(angle: int, point: list[float], axis: int, sign: int):
    angles = torch.zeros(1, 3)
    angles[0, angle] = 0.3
    moved = head_poses(angles, torch.zeros(3))[0, :3, :3] @ torch.tensor(point)
    assert float(moved[axis]) * sign == pytest.approx(np.sin(0.3), abs=1e-5)


def test_the_pivot_stays():
    pivot = torch.tensor([0.01, -0.06, -0.02])
    poses = head_poses(torch.rand(5, 3), pivot)
    assert torch.allclose(poses[:, :3, :3] @ pivot + poses[:, :3, 3], pivot.expand(5, 3), atol=1e-6)


def test_roll_comes_first_then_pitch_then_yaw():
    angles = torch.randn(20, 3, dtype=torch.float64)
    y, p, r = (torch.zeros(20, 3, dtype=torch.float64) for _ in range(3))
    y[:, 1], p[:, 0], r[:, 2] = angles[:, 0], -angles[:, 1], angles[:, 2]
    one_by_one = axis_angle_to_matrix(y) @ axis_angle_to_matrix(p) @ axis_angle_to_matrix(r)
    found = head_poses(angles, torch.zeros(3, dtype=torch.float64))[:, :3, :3]
    assert torch.allclose(found, one_by_one, atol=1e-12)
