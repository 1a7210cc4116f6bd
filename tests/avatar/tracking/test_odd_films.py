"""Films that show no face, two, half of one, or one too large or too small: each ends in a sentence
or is tracked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from films import show_by, write_frames
from heads_in_pictures import drawing, head, masked, on_grey, turned_demo
from torch import Tensor

from avatar.avatar_io.live_link import read_take
from avatar.tracking import track as perform
from avatar.tracking.frames import follow
from avatar.tracking.options import TrackingOptions, TrackOptions
from avatar.tracking.track import Tracked, performance_of, track
from avatar.video.reader import colour_frames
from avatar.video.writer import open_writer
from avatar.vision.follow import FaceFinder, load_face_finder
from common.errors import InputError
from configs.commands.make import describe

FRAMES, NOSE = 10, 1
ONCE = TrackingOptions(crops=1)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_face_finder()


def write(path: Path, pictures: Sequence[Tensor]) -> Path:
    height, width = pictures[0].shape[:2]
    with open_writer(path, width, height, 25.0) as show:
        for picture in pictures:
            show(picture.numpy())
    return path


def new(folder: Path, number: int) -> Path:
    (folder / str(number)).mkdir()
    return folder / str(number)


def walking(size: int, frames: int = FRAMES, step: int = 2) -> list[Tensor]:
    return [on_grey(240, 320, ("man", size, 30 + step * k, 10)) for k in range(frames)]


def tracked(film: Path) -> tuple[Path, Tracked]:
    out = film.with_suffix("")
    return out, track(TrackOptions(film=film, out=out, size=128, key_frames=8, crops=1))


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ([on_grey(240, 320)] * FRAMES, "no face was found in it; film one person from the front"),
        ([turned_demo(90.0)] * FRAMES, "no face was found in it; film one person from the front"),
        (walking(220, frames=3), "a face in 3 frames of a shot, where at least 8 are needed"),
    ],
    ids=["no face", "a profile", "three frames"],
)
def test_what_cannot_be_tracked_is_told_and_leaves_nothing(
    tmp_path: Path, pictures: list[Tensor], words: str
):
    film = write(tmp_path / "film.mp4", pictures)
    with pytest.raises(InputError, match=f"film.mp4: .*{words}"):
        tracked(film)
    assert list(tmp_path.iterdir()) == [film]


@pytest.mark.parametrize(
    "pictures",
    [
        [head("man", 512)[150 + k : 400 + k, 130:390] for k in range(FRAMES)],
        [masked().roll((k, k), (0, 1)) for k in range(FRAMES)],
        [drawing().roll(k, 1) for k in range(FRAMES)],
        [turned_demo(50.0 + k) for k in range(FRAMES)],
    ],
    ids=["fills the picture", "its mouth is covered", "drawn", "nearly from the side"],
)
def test_any_other_face_is_tracked(tmp_path: Path, pictures: list[Tensor]):
    out, found = tracked(write(tmp_path / "film.mp4", pictures))
    assert (found.frames, found.lost, found.sound) == (FRAMES, 0, "no sound")
    take = read_take(out / "take.csv")
    assert np.isfinite(take.weights).all() and np.abs(take.head).max() < 0.35  # radians


def test_a_film_gives_a_performance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    quick = TrackingOptions(size=128, key_frames=8, crops=1)
    monkeypatch.setattr(perform, "TrackingOptions", lambda: quick)
    film = write(tmp_path / "film.mp4", walking(220))
    performance = performance_of(film, "auto", torch.device("cpu"))
    assert len(performance.take.weights) == FRAMES
    assert performance.heard.words == "no sound"


def test_a_file_that_is_not_flame_is_told_before_anything(tmp_path: Path):
    film = write(tmp_path / "film.mp4", walking(100))
    other = tmp_path / "flame.npz"
    np.savez(other, v_template=np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"flame\.npz: .*v_template"):
        track(TrackOptions(film=film, out=tmp_path / "out", flame=other))
    assert not (tmp_path / "out").exists()


def test_a_tiny_face_is_tracked_and_called_tiny(tmp_path: Path):
    pictures = [on_grey(480, 640, ("man", 64, 300 + k, 200)) for k in range(FRAMES)]
    _, found = tracked(write(tmp_path / "film.mp4", pictures))
    assert found.frames == FRAMES and 25 < found.face < 45
    assert f"is only {found.face:.0f} pixels wide" in describe(found)


def test_of_two_faces_one_is_followed(tmp_path: Path, finder: FaceFinder):
    both = [on_grey(240, 480, ("man", 220, 2 * k, 10), ("bob", 160, 300, 40)) for k in range(10)]
    film = write(tmp_path / "film.mp4", both)
    large, small = (
        follow(film, TrackingOptions(crops=1, face=k), finder, new(tmp_path, k)) for k in (0, 1)
    )
    assert large.points[:, NOSE, 0].max() < 220 < 330 < small.points[:, NOSE, 0].min()
    with pytest.raises(InputError, match=r"has no face number 2; --face 0 is the largest"):
        follow(film, TrackingOptions(crops=1, face=2), finder, new(tmp_path, 2))


def test_a_film_that_a_phone_turned_is_followed_upright(tmp_path: Path, finder: FaceFinder):
    upright = write(tmp_path / "upright.mp4", walking(220))
    lying = [picture.rot90(1, (0, 1)) for picture in walking(220)]
    turned = show_by(write(tmp_path / "turned.mp4", lying), 0, 1, -1, 0)
    wanted, found = (
        follow(film, ONCE, finder, new(tmp_path, k)) for k, film in enumerate((upright, turned))
    )
    assert (found.width, found.height) == (wanted.width, wanted.height) == (320, 240)
    assert (found.points - wanted.points)[..., :2].norm(dim=-1).mean() < 1


def test_a_rate_that_varies_is_followed_in_time(tmp_path: Path, finder: FaceFinder):
    times = [0, 4, 8, 30, 34, 38, 42, 60, 64, 68]  # hundredths of a second
    frames = [
        VideoFrame.from_ndarray((picture * 255).byte().numpy(), format="rgb24")
        for picture in walking(220, step=4)
    ]
    frames = [frame.reformat(format="yuv420p") for frame in frames]
    film = write_frames(tmp_path / "film.mkv", frames, times)
    found = follow(film, ONCE, finder, tmp_path)
    shown = np.searchsorted(times, (np.arange(17) + 0.5) * 4, side="right") - 1
    assert found.frames[:17].tolist() == list(range(17))
    noses = found.points[:17, NOSE, 0].numpy()
    np.testing.assert_allclose(noses - noses[0], 4 * shown, atol=1.5)


def test_a_large_film_is_read_small_and_one_picture_at_a_time(tmp_path: Path):
    large = torch.full((2160, 3840, 3), 0.4)
    film = write(tmp_path / "film.mp4", [large] * 3)
    assert [frame.shape for frame in colour_frames(film, 1280)] == [(720, 1280, 3)] * 3
