"""One face through films made of still pictures."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from heads_in_pictures import on_grey
from numpy.typing import NDArray
from torch import Tensor

from avatar.vision.follow import (
    FaceFinder,
    FaceFrame,
    follow_face,
    load_face_finder,
    numbered_by_shot,
)

NOSE_TIP = 1
Frames = Iterator[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_face_finder()


def frames(*pictures: Tensor) -> Frames:
    return ((picture * 255).round().to(torch.uint8).numpy() for picture in pictures)


def walking(name: str, count: int, left: int = 40, step: int = 8) -> list[Tensor]:
    return [on_grey(240, 400, (name, 160, left + step * k, 40)) for k in range(count)]


def noses(found: list[FaceFrame]) -> list[float]:
    return [float(f.points[NOSE_TIP, 0]) for f in found if f.points is not None]


def test_a_face_that_moves_is_followed(finder: FaceFinder):
    found = list(follow_face(finder, frames(*walking("man", 8))))
    assert [f.shot for f in found] == [0] * 8 and len(noses(found)) == 8
    np.testing.assert_allclose(np.diff(noses(found)), 8, atol=1.5)


def test_a_face_that_goes_is_lost_and_found_again(finder: FaceFinder):
    film = walking("man", 6)
    film[2:4] = [on_grey(240, 400)] * 2
    found = list(follow_face(finder, frames(*film)))
    assert [f.points is None for f in found] == [False, False, True, True, False, False]


def test_after_a_loss_the_same_of_two_faces_is_taken(finder: FaceFinder):
    both = on_grey(300, 560, ("man", 200, 10, 50), ("bob", 260, 280, 20))
    film = [both, on_grey(300, 560), both]
    for face, side in ((0, "right"), (1, "left")):
        first, _, last = noses_or_none(list(follow_face(finder, frames(*film), face)))
        assert first is not None and last is not None
        assert (first > 280) == (last > 280) == (side == "right")
    assert noses_or_none(list(follow_face(finder, frames(*film), 2))) == [None, None, None]


def noses_or_none(found: list[FaceFrame]) -> list[float | None]:
    return [None if f.points is None else float(f.points[NOSE_TIP, 0]) for f in found]


def test_a_cut_begins_a_shot_with_its_own_largest_face(finder: FaceFinder):
    other = 0.8 - on_grey(240, 400)  # the grey of the ground, lighter
    other[:, 200:] = 0.1
    other[40:200, 20:180] = on_grey(160, 160, ("bob", 160, 0, 0))
    film = [*walking("man", 3, left=200), *[other] * 3]
    found = list(follow_face(finder, frames(*film)))
    assert [f.shot for f in found] == [0, 0, 0, 1, 1, 1]
    assert min(noses(found)[:3]) > 250 and max(noses(found)[3:]) < 150


def test_light_that_changes_and_heads_that_move_are_no_cuts():
    still = on_grey(240, 400, ("man", 160, 40, 40))
    brighter = [(still + 0.15 * k).clamp(0, 1) for k in range(3)]
    for film in (brighter, walking("man", 10, step=16)):
        assert {shot for shot, _ in numbered_by_shot(film)} == {0}


@pytest.mark.parametrize(("pixels", "seen"), [(2, True), (40, False)])
def test_a_shaking_camera_makes_no_cuts(pixels: int, seen: bool):
    """Nor does it hide one, unless it shakes wildly."""
    coarse = torch.rand(1, 3, 6, 10, generator=torch.manual_seed(0))
    ground = F.interpolate(coarse, (240, 400), mode="bilinear")[0].permute(1, 2, 0)
    shaken = [ground.roll((pixels * (k % 2), pixels * (k % 3)), (0, 1)) for k in range(12)]
    shots = [shot for shot, _ in numbered_by_shot([*shaken, *walking("man", 3)])]
    assert shots[1:12] == [shots[1]] * 11
    assert shots[12:] == [shots[1] + seen] * 3


def test_few_frames_are_asked_for_ahead(finder: FaceFinder):
    taken, threads = 0, torch.get_num_threads()

    def counted() -> Frames:
        nonlocal taken
        for frame in frames(*walking("man", 8)):
            taken += 1
            yield frame

    following = follow_face(finder, counted())
    for count in range(1, 5):
        next(following)
        assert count <= taken <= count + (threads if threads > 1 else 0)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_known_is_not_looked_at_again(finder: FaceFinder, threads: int):
    """A face that was lost, and then found by a look all over the picture, among it."""
    film = walking("man", 8)
    film[2:4] = [on_grey(240, 400)] * 2
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        whole = list(follow_face(finder, frames(*film)))
        for count in (1, 3, 6):
            rest = list(follow_face(finder, frames(*film), known=whole[:count]))
            assert len(rest) == len(film) - count
            for again, frame in zip(rest, whole[count:], strict=True):
                assert again.shot == frame.shot
                assert (again.points is None) == (frame.points is None)
                if again.points is not None and frame.points is not None:
                    torch.testing.assert_close(again.points, frame.points, rtol=0, atol=1e-3)
    finally:
        torch.set_num_threads(before)
