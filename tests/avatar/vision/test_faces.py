"""Faces are found in pictures of made-up people, large and small, and nowhere else."""

import math

import pytest
import torch
from heads_in_pictures import HEADS, drawing, head, masked, on_grey, turned_demo
from torch import Tensor
from torch.testing import assert_close

from avatar.vision.detector import distinct
from avatar.vision.follow import FaceFinder, faces_in_picture, load_face_finder
from avatar.vision.landmarks import NAMES, find_landmarks, find_scores, squares_of_points
from avatar.vision.network import Squares, cut, load_network

NOSE_TIP, CHIN, RIGHT_CORNER, LEFT_CORNER, UPPER_LIP, LOWER_LIP = 1, 152, 33, 263, 13, 14


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_face_finder()


@pytest.fixture(scope="module")
def man(finder: FaceFinder) -> Tensor:
    """The points [478, 3] of a man's head in his own picture."""
    return faces_in_picture(finder, head("man")).points[0]


@pytest.mark.parametrize("name", HEADS)
def test_a_head_has_one_face(finder: FaceFinder, name: str):
    found = faces_in_picture(finder, head(name))
    assert found.points.shape == (1, 478, 3) and found.presence > 0.99
    nose, chin, right, left = found.points[0, [NOSE_TIP, CHIN, RIGHT_CORNER, LEFT_CORNER], :2]
    assert right[0] < nose[0] < left[0] and left[1] < nose[1] < chin[1]


def test_several_faces_come_by_size(finder: FaceFinder):
    picture = on_grey(400, 640, ("bob", 200, 10, 100), ("man", 300, 300, 50))
    points = faces_in_picture(finder, picture).points
    assert len(points) == 2
    assert points[0, NOSE_TIP, 0] > 400 and points[1, NOSE_TIP, 0] < 200


@pytest.mark.parametrize("size", [60, 40])
def test_tiny_faces_are_found(finder: FaceFinder, man: Tensor, size: int):
    found = faces_in_picture(finder, on_grey(480, 640, ("man", size, 300, 200)))
    wanted = man * size / 256 + torch.tensor([300.0, 200.0, 0.0])
    assert len(found.points) == 1
    assert (found.points[0] - wanted)[:, :2].norm(dim=-1).mean() < 0.02 * size


def test_a_face_may_fill_the_picture(finder: FaceFinder, man: Tensor):
    found = faces_in_picture(finder, head("man")[75:200, 65:195])
    assert len(found.points) == 1
    wanted = man[:, :2] - torch.tensor([65.0, 75.0])
    assert (found.points[0, :, :2] - wanted).norm(dim=-1).mean() < 1.5


@pytest.mark.parametrize("quarters", [1, 3])
def test_turned_pictures_have_turned_points(finder: FaceFinder, man: Tensor, quarters: int):
    found = faces_in_picture(finder, head("man").rot90(quarters, (0, 1)))
    x, y = man[:, 0], man[:, 1]
    wanted = torch.stack([y, 256 - x] if quarters == 1 else [256 - y, x], -1)
    assert (found.points[0, :, :2] - wanted).norm(dim=-1).mean() < 2


@pytest.mark.parametrize(
    "picture",
    [
        torch.zeros(200, 300, 3),
        torch.rand(240, 320, 3, generator=torch.manual_seed(0)),
        torch.rand(1, 1, 3),
        torch.rand(3, 500, 3),
    ],
    ids=["black", "noise", "a pixel", "a strip"],
)
def test_no_face_is_no_face(finder: FaceFinder, picture: Tensor):
    assert len(faces_in_picture(finder, picture).points) == 0


def test_a_drawing_of_a_face_is_a_face(finder: FaceFinder):
    (points,) = faces_in_picture(finder, drawing()).points
    right, left = points[[RIGHT_CORNER, LEFT_CORNER], :2]
    assert 130 < right[0] < 180 < 220 < left[0] < 270 and 140 < right[1] < 190


def test_a_mouth_may_be_covered(finder: FaceFinder, man: Tensor):
    (points,) = faces_in_picture(finder, masked()).points
    eyes = [RIGHT_CORNER, LEFT_CORNER]
    assert (points[eyes] - man[eyes])[:, :2].norm(dim=-1).max() < 5


def test_turned_heads_are_found_and_profiles_are_not(finder: FaceFinder):
    seen = {yaw: len(faces_in_picture(finder, turned_demo(yaw)).points) for yaw in (0, 45, 90)}
    assert seen == {0: 1, 45: 1, 90: 0}


def test_points_in_large_pictures_are_those_in_small_ones(finder: FaceFinder, man: Tensor):
    large = head("man").repeat_interleave(16, 0).repeat_interleave(16, 1)  # 4096 x 4096
    found = faces_in_picture(finder, large).points[0] / 16
    assert (found - man)[:, :2].norm(dim=-1).mean() < 0.5


def test_the_mean_of_several_squares_is_near_and_steadier(finder: FaceFinder, man: Tensor):
    noise = torch.randn(8, 256, 256, 3, generator=torch.manual_seed(1)) * 0.03
    pictures = (head("man") + noise).clamp(0, 1)
    start = squares_of_points(man[None].expand(8, -1, -1))
    once = find_landmarks(finder.landmarks, pictures, start, passes=1).points
    mean = find_landmarks(finder.landmarks, pictures, start, passes=1, averaged=6).points
    assert (mean.mean(0) - man)[:, :2].norm(dim=-1).mean() < 1.5
    assert mean[..., :2].std(0).mean() < 0.9 * once[..., :2].std(0).mean()


def test_scores_tell_an_open_mouth(finder: FaceFinder):
    points = torch.cat([faces_in_picture(finder, head(name)).points for name in ("bob", "man")])
    gaps = (points[:, LOWER_LIP] - points[:, UPPER_LIP])[:, :2].norm(dim=-1)
    scores = find_scores(load_network("face_scores"), points)
    assert scores.shape == (2, len(NAMES))
    shut, wide = scores[:, NAMES.index("jawOpen")]
    assert gaps[0] < gaps[1] and shut < 0.05 and wide > shut + 0.05


def test_a_square_is_cut_and_its_places_go_back():
    squares = Squares(torch.tensor([[40.0, 25.0]]), torch.tensor([20.0]), torch.tensor([0.3]))
    rows, columns = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    picture = torch.stack([columns + 0.5, rows + 0.5, torch.ones_like(rows)], -1)
    piece = cut(picture[None], squares, 8)[0]
    ticks = (torch.arange(8) + 0.5) / 8
    places = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1).reshape(1, -1, 2)
    assert_close(piece[..., :2].reshape(-1, 2), squares.to_picture(places)[0], atol=1e-4, rtol=0)
    assert math.isclose(float(squares.axes()[0, 0, 1]), 20 * math.sin(0.3), rel_tol=1e-6)


def test_what_lies_outside_is_black_and_a_square_of_points_is_upright(man: Tensor):
    squares = Squares(torch.tensor([[0.0, 0.0]]), torch.tensor([8.0]), torch.tensor([0.0]))
    piece = cut(torch.ones(1, 30, 30, 3), squares, 8)[0, ..., 0]
    assert piece[4:, 4:].min() == 1 and piece[:3].max() == 0
    turn = torch.tensor([[math.cos(0.7), math.sin(0.7)], [-math.sin(0.7), math.cos(0.7)]])
    turned = torch.cat([man[:, :2] @ turn, man[:, 2:]], -1)
    level, tilted = squares_of_points(man[None]), squares_of_points(turned[None])
    assert_close(tilted.angles, level.angles + 0.7)
    assert_close(tilted.sides, level.sides)
    assert_close(tilted.centres, level.centres @ turn)


def test_boxes_that_overlap_are_one_face_at_their_weighted_mean():
    def candidate(left: float, side: float) -> Tensor:
        corners = torch.tensor([[left, 0.0], [left + side, side]])
        return torch.cat([corners, corners[:1].expand(6, 2)])

    places = torch.stack([candidate(0, 10), candidate(1, 10), candidate(50, 20)])
    found = distinct(places, torch.tensor([0.9, 0.6, 0.7]))
    assert len(found) == 2 and found.boxes[0].tolist() == [50, 0, 70, 20]
    assert_close(found.boxes[1, 0], torch.tensor(0.4))
