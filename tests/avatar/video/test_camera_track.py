import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support import ROOT
from torch import Tensor

from avatar.avatar_io.avatar_file import load_avatar
from avatar.heads import load_head
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.video import Crop
from avatar.video.camera_path import (
    ORBIT_DEGREES,
    ORBIT_SECONDS,
    framed_as,
    framing,
    portrait,
    read_track,
)
from splat import Camera

HEAD = load_head()


def pixels(camera: Camera, points: torch.Tensor) -> torch.Tensor:
    """Where points [V, 3] in head space fall on the picture [V, 2]."""
    seen = points @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    projected = seen @ camera.K.T
    return projected[:, :2] / projected[:, 2:]


def azimuth_of(camera: Camera) -> float:
    eye = -camera.viewmat[:3, :3].T @ camera.viewmat[:3, 3]
    return float(torch.rad2deg(torch.atan2(eye[0], eye[2])))


@pytest.mark.parametrize("size", [(512, 512), (1920, 1080), (720, 1280), (300, 900)])
@pytest.mark.parametrize("azimuth", [-75.0, 0.0, 75.0])
def test_the_head_is_in_the_picture_at_every_shape(size: tuple[int, int], azimuth: float):
    camera = next(read_track("front", size, (azimuth, 0.0))(framing(HEAD.vertices), 1, 25.0))
    where = pixels(camera, HEAD.vertices)
    assert where.min() > 0
    assert (where < torch.tensor(size)).all()
    tall = where[:, 1].max() - where[:, 1].min()
    wide = where[:, 0].max() - where[:, 0].min()
    assert max(tall / size[1], wide / size[0]) > 0.5


def test_front_stands_still_and_keeps_the_face_upright():
    track = list(read_track("front", (64, 64), (0.0, 0.0))(framing(HEAD.vertices), 50, 25.0))
    assert len(track) == 50
    assert torch.equal(track[0].viewmat, track[49].viewmat)
    where = pixels(track[0], HEAD.vertices)
    brow, chin = HEAD.vertices[:, 1].argmax(), HEAD.vertices[:, 1].argmin()
    assert where[brow, 1] < where[chin, 1]
    left_eye = where[HEAD.group_vertices("l-eye"), 0].mean()
    assert left_eye > 32  # the subject's left is on the picture's right


def test_a_path_comes_from_its_file(tmp_path: Path):
    still = {"elevation": 0, "distance": 1.2, "target": [0, 0, 0], "fov_y": 15}
    keys = [{"time": 0, "azimuth": -30} | still, {"time": 2, "azimuth": 30} | still]
    path = tmp_path / "my path.v1.json"
    path.write_text(json.dumps({"keyframes": keys}))
    track = list(read_track(str(path), (64, 64), (0.0, 0.0))(framing(HEAD.vertices), 51, 25.0))
    found = [azimuth_of(track[k]) for k in (0, 25, 50)]
    assert found == pytest.approx([-30, 0, 30], abs=0.1)


def test_the_orbit_swings_evenly_to_both_sides():
    fps = 25.0
    track = list(read_track("orbit", (64, 64), (10.0, 5.0))(framing(HEAD.vertices), 400, fps))
    quarter = int(ORBIT_SECONDS * fps / 4)
    found = [azimuth_of(track[k * quarter]) for k in range(4)]
    expected = [10, 10 + ORBIT_DEGREES, 10, 10 - ORBIT_DEGREES]
    assert found == pytest.approx(expected, abs=0.5)


SHAPES = [(512, 512), (1920, 1080), (720, 1280), (300, 900)]


def moved(avatar: Avatar, shifts: torch.Tensor) -> tuple[Avatar, torch.Tensor]:
    """The avatar with its Gaussians elsewhere by so much [N, 3], and where they are."""
    world = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
    means = world.means + shifts
    local = bind(replace(world, means=means), avatar.binding, avatar.vertices, avatar.faces)
    return replace(avatar, gaussians=local), means


def rest_means(avatar: Avatar) -> torch.Tensor:
    return moved(avatar, torch.zeros(len(avatar.binding), 3))[1]


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("scale", [(1.0, 1.9, 1.0), (3.0, 1.0, 1.0)], ids=["high", "wide"])
def test_hair_of_any_height_and_width_is_in_the_picture(
    small_avatar: Avatar, size: tuple[int, int], scale: tuple[float, float, float]
):
    rest = rest_means(small_avatar)
    hair = rest[:, 1] > 0.05
    root = torch.tensor([0.0, 0.05, 0.0])
    shifts = (rest - root) * (torch.tensor(scale) - 1) * hair[:, None]
    avatar, means = moved(small_avatar, shifts)
    narrow = framing(small_avatar.vertices)
    for shown, held in ((narrow, False), (portrait(avatar), True)):
        camera = next(read_track("front", size, (0.0, 0.0))(shown, 1, 25.0))
        where = pixels(camera, means[hair])
        inside = ((where > 0) & (where < torch.tensor(size))).all(1)
        if held:
            assert inside.float().mean() > 0.99
        elif (scale[1] > 1) == (size[0] >= size[1]):
            assert inside.float().mean() < 0.95
    assert portrait(avatar)[0][1] >= narrow[0][1]


def test_what_stays_in_the_picture_and_strays_change_nothing(small_avatar: Avatar):
    target, extent = framing(small_avatar.vertices)
    shifts = torch.zeros(len(small_avatar.binding), 3)
    shifts[rest_means(small_avatar)[:, 1].topk(5).indices, 1] = 1.0
    for avatar in (small_avatar, moved(small_avatar, shifts)[0]):
        assert torch.equal(portrait(avatar)[0], target) and portrait(avatar)[1] == extent


@pytest.mark.parametrize("size", [(96, 96), (128, 72), (72, 128)])
def test_a_crop_shows_what_is_drawn_and_no_lower_end_of_it(size: tuple[int, int]):
    avatar = load_avatar(ROOT / "assets" / "demo_avatar.ply")
    rig, draw = avatar_rig(avatar, torch.device("cpu")), rasterizer("cpu", None)

    def alpha(crop: Crop, size: tuple[int, int] = size) -> Tensor:
        camera = next(read_track("front", size, (0.0, 0.0))(framed_as(crop, size, avatar), 1, 25.0))
        return draw(rig(avatar.vertices), camera)[..., 3] > 0.5  # [H, W]

    bust, head, square = alpha("bust"), alpha("head"), alpha("square", (min(size), min(size)))
    shoulders = bust[-2].nonzero()[:, 0]
    low, high = int(shoulders.min()), int(shoulders.max())
    assert high - low >= 0.5 * size[0] and bool(bust[-2, low:high].all())
    for shown in (bust, head, square):  # all hair
        upper = shown[: len(shown) // 2]
        assert upper.any() and not shown[0].any() and not upper[:, [0, -1]].any()
    shares = [float(shown[: len(shown) // 2].any(0).sum()) / min(size) for shown in (head, square)]
    assert shares[0] > shares[1] > 0.4 * shares[0]
