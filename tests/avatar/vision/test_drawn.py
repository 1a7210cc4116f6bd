"""A face that is drawn is told from one that was photographed."""

import io

import numpy as np
import pytest
import torch
from heads_in_pictures import HEADS, drawing, head, masked
from PIL import Image, ImageDraw
from torch import Tensor

from avatar.vision.follow import FaceFinder, faces_in_picture, load_face_finder
from avatar.vision.landmarks import DRAWN, flat_share


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_face_finder()


def cartoon() -> Tensor:
    """A face [400, 400, 3] of flat colours before a flat sky."""
    paper = Image.new("RGB", (400, 400), (120, 170, 220))
    pen = ImageDraw.Draw(paper)
    pen.ellipse((90, 40, 310, 240), fill=(90, 50, 20))
    pen.ellipse((105, 70, 295, 350), fill=(250, 210, 180))
    pen.pieslice((95, 45, 305, 230), 180, 360, fill=(90, 50, 20))
    for x in (150, 250):
        pen.ellipse((x - 24, 165, x + 24, 200), fill="white", outline="black", width=3)
        pen.ellipse((x - 9, 172, x + 9, 192), fill=(40, 80, 40))
        pen.arc((x - 28, 135, x + 28, 175), 200, 340, fill=(60, 30, 10), width=6)
    pen.arc((185, 225, 215, 255), 20, 160, fill=(200, 150, 120), width=4)
    pen.pieslice((155, 255, 245, 315), 0, 180, fill=(180, 50, 60))
    return torch.from_numpy(np.array(paper)) / 255


def compressed(picture: Tensor, quality: int) -> Tensor:
    memory = io.BytesIO()
    Image.fromarray((picture * 255).byte().numpy()).save(memory, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(memory))) / 255


def flat(finder: FaceFinder, picture: Tensor) -> float:
    points = faces_in_picture(finder, picture).points[0, :, :2]
    return flat_share(picture, points)


@pytest.mark.parametrize("quality", [None, 60])
def test_strokes_and_cartoons_are_drawn(finder: FaceFinder, quality: int | None):
    for picture in (drawing(), cartoon()):
        shown = picture if quality is None else compressed(picture, quality)
        assert flat(finder, shown) > DRAWN + 0.1


def test_photographs_are_not(finder: FaceFinder):
    """Though they are grey, compressed or covered by a mask."""
    pictures = [head(name, 320) for name in HEADS]
    pictures += [compressed(picture, 40) for picture in pictures]
    pictures += [pictures[0].mean(-1, keepdim=True).expand(-1, -1, 3), masked()]
    for picture in pictures:
        assert flat(finder, picture) < DRAWN - 0.1


def test_a_face_that_reaches_out_of_the_picture_is_judged_by_what_is_there(finder: FaceFinder):
    whole = head("man", 320)
    points = faces_in_picture(finder, whole).points[0, :, :2]
    cut, moved = whole[60:, 60:], points - 60
    assert flat_share(cut, moved) < DRAWN
