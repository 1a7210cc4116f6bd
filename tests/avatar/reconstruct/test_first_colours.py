"""First colours are those that pictures really show; inside a shut mouth, our own model's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.heads import Head, load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.head_seeds import face_colours
from splat import look_at, orbit

SIZE = 192
SKIN, OPEN = (200, 150, 120), (10, 240, 30)


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def plain(view: View, colour: tuple[int, int, int]) -> tuple[View, Picture]:
    size = (view.camera.height, view.camera.width)
    return view, Picture(np.full((*size, 3), colour, np.uint8), np.full(size, 255, np.uint8))


def colours(head: Head, jaw: float, colour: tuple[int, int, int]) -> torch.Tensor:
    """Of a head before which five cameras stand, each of which sees one colour everywhere."""
    vertices = head.vertices + jaw * head.unit("jawOpen")
    middle = torch.tensor([0.0, -0.04, 0.05])
    cameras = [orbit(middle, 0.6, yaw, 0, 30.0, SIZE, SIZE) for yaw in (-10, -5, 0, 5, 10)]
    views = [View(camera, Path("none.png"), None, 0, "0") for camera in cameras]
    capture = Capture("anny-head", head.vertices, head.faces, vertices[None], {})
    return face_colours(capture, [plain(view, colour) for view in views], head) * 255


def test_teeth_that_nobody_sees_are_not_of_skin(head: Head):
    found = colours(head, 0.0, SKIN)
    skin, teeth = head.group_faces("body"), head.group_faces("upper-teeth", "lower-teeth")
    assert torch.allclose(found[skin].median(0).values, torch.tensor(SKIN) * 1.0, atol=1)
    off = (found[teeth] - torch.tensor(SKIN)).abs().amax(1)
    assert float((off > 10).float().mean()) > 0.95
    front = teeth[head.vertices[head.faces[teeth]].mean(1)[:, 2] > 0.085]
    red, green, blue = found[front].mean(0)
    assert red > 80 and green > 0.6 * red and blue > 0.5 * red  # of teeth, and not of lips


def test_teeth_that_pictures_show_are_as_they_show_them(head: Head):
    found = colours(head, 0.8, OPEN)
    teeth = head.group_faces("upper-teeth", "lower-teeth")
    front = teeth[head.vertices[head.faces[teeth]].mean(1)[:, 2] > 0.09]
    told = (found[front] - torch.tensor(OPEN)).abs().amax(1) < 1
    assert 0.1 < float(told.float().mean()) < 1


def test_what_is_hidden_does_not_get_the_colour_of_its_cover():
    far = torch.tensor([[-0.2, -0.2, 0.0], [0.2, -0.2, 0.0], [0.2, 0.2, 0.0], [-0.2, 0.2, 0.0]])
    near = torch.tensor([[-0.1, -0.02, 0.4], [0.02, -0.02, 0.4], [-0.04, 0.12, 0.4]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    rest = torch.cat([far, near])
    up = torch.tensor([0.0, 1.0, 0.0])
    eye = torch.tensor([0.0, 0.0, 1.0])
    camera = look_at(eye, torch.zeros(3), up, focal=150.0, width=128, height=128)
    picture = np.full((128, 128, 3), (0, 0, 255), np.uint8)
    picture[:64, :64] = (255, 0, 0)  # up and left, where the near triangle is
    view = View(camera, Path("none.png"), None, 0, "0")
    capture = Capture("mesh", rest, faces, rest[None], {})
    found = face_colours(capture, [(view, Picture(picture, np.full((128, 128), 255, np.uint8)))])
    assert found.argmax(1).tolist() == [2, 2, 0]
