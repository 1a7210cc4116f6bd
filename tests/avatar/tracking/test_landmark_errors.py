"""Expected errors of landmarks go with the head, whatever the camera's roll."""

import torch

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.tracking.landmarks import FEATURES, errors_from, view_of
from avatar.tracking.stages import UPRIGHT

POINTS = torch.tensor([[0.0, 0.0, 0.6], [0.03, 0.02, 0.58], [-0.04, 0.05, 0.61]]).double()


def turned(x: float, y: float) -> torch.Tensor:
    return UPRIGHT.double() @ axis_angle_to_matrix(torch.tensor([x, y, 0.0]).double())


def test_a_rolled_camera_rolls_the_errors():
    errors = torch.randn(3, 2, FEATURES, generator=torch.Generator().manual_seed(1)).double()
    head = turned(0.2, -0.4)
    roll = axis_angle_to_matrix(torch.tensor([0.0, 0.0, 0.7]).double())
    upright = errors_from(errors, head, POINTS)
    rolled = errors_from(errors, roll @ head, POINTS @ roll.T)
    torch.testing.assert_close(rolled, upright @ roll[:2, :2].T)


def test_to_the_right_and_up_are_those_of_the_picture():
    errors = torch.zeros(2, 2, FEATURES).double()
    errors[0, 0, 0], errors[1, 1, 0] = 1.0, 1.0
    along = errors_from(errors, UPRIGHT.double(), POINTS)
    torch.testing.assert_close(along, torch.tensor([[1.0, 0.0], [0.0, -1.0]]).double())


def test_the_view_is_where_the_camera_stands():
    straight = torch.tensor([[0.0, 0.0, 0.6]]).double()
    torch.testing.assert_close(view_of(UPRIGHT.double(), straight), torch.zeros(2).double())
    to_its_left = view_of(turned(0.0, 0.4), straight)  # the camera is to the right of the head
    assert to_its_left[0] < -0.3
    assert abs(to_its_left[1]) < 1e-9
