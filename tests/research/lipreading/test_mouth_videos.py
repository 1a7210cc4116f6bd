import json
from pathlib import Path

import numpy as np
import pytest
import torch
from films import copied, write_film
from support import ROOT, write_wav

from audio2mesh.model.motion import Motion
from audio2mesh.sound.energy import frame_energy
from audio2mesh.sound.waveform import stream_audio
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.video.camera_path import framing, read_track
from avatar.video.reader import grey_frames
from common.errors import InputError
from research.lipreading.critic import Stretch
from research.lipreading.mouth_view import locate_mouth
from research.lipreading.videos import load_mouth_video, load_mouth_videos, video_teacher

Small = tuple[np.ndarray, np.ndarray]
"""Pictures [F, 128, 128] of the demo film and the loudness [F] of their frames."""


@pytest.fixture(scope="module")
def demo_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo voice, spoken by the demo avatar with a quiet head: crops stand still."""
    assets, path = ROOT / "assets", tmp_path_factory.mktemp("films") / "demo.mp4"
    avatar, voice = assets / "demo_avatar.ply", assets / "demo_voice.flac"
    drive(DriveOptions(avatar, voice, path, width=256, height=256, head=0.3))
    return path


@pytest.fixture(scope="module")
def small(demo_film: Path) -> Small:
    return np.stack(list(grey_frames(demo_film, 128))), frame_energy(stream_audio(demo_film), 25)


def true_mouth(width: int) -> tuple[float, float]:
    """Where the camera of the demo film sees the mean head's lips, in pixels."""
    head = load_head()
    camera = next(read_track("front", (width, width), (0.0, 0.0))(framing(head.vertices), 1, 25.0))
    lips = head.vertices[head.regions["lips"]].mean(0)
    x, y, z = camera.K @ (camera.viewmat @ torch.cat([lips, torch.ones(1)]))[:3]
    return float(x / z), float(y / z)


def test_the_mouth_of_the_demo_film_is_found(small: Small):
    box = locate_mouth(*small)
    assert box is not None
    x, y = true_mouth(128)
    assert box.x == pytest.approx(x, abs=4)
    assert box.y == pytest.approx(y, abs=6)
    assert 25 < box.side < 50


def test_the_mouth_is_found_where_the_sound_begins_later_than_the_pictures(
    demo_film: Path, tmp_path: Path
):
    cut = load_mouth_video(copied(demo_film, tmp_path / "cut.mkv", sound_from=1.5))
    assert len(cut) == len(load_mouth_video(demo_film))


@pytest.mark.parametrize("shift", [(-14, -22), (15, 30)])
def test_the_mouth_is_found_off_centre(small: Small, shift: tuple[int, int]):
    pictures, loudness = small
    box, moved = (
        locate_mouth(pictures, loudness),
        locate_mouth(np.roll(pictures, shift, (1, 2)), loudness),
    )
    assert box is not None
    assert moved is not None
    assert moved.y - box.y == pytest.approx(shift[0], abs=2)
    assert moved.x - box.x == pytest.approx(shift[1], abs=2)
    assert moved.side == pytest.approx(box.side, rel=0.15)


def test_a_closer_picture_of_the_face_has_the_same_box(small: Small):
    pictures, loudness = small
    closer = np.ascontiguousarray(pictures[:, 32:112, 24:104])
    box, near = locate_mouth(pictures, loudness), locate_mouth(closer, loudness)
    assert box is not None
    assert near is not None
    assert near.x + 24 == pytest.approx(box.x, abs=3)
    assert near.y + 32 == pytest.approx(box.y, abs=3)
    assert near.side == pytest.approx(box.side, rel=0.1)


def test_what_does_not_move_with_the_speech_is_no_mouth(small: Small):
    pictures, loudness = small
    noise = np.random.default_rng(0).integers(0, 255, (100, 64, 64)).astype(np.uint8)
    assert locate_mouth(noise, loudness[:100]) is None
    assert locate_mouth(np.repeat(pictures[:1], 100, 0), loudness[:100]) is None
    assert locate_mouth(pictures, np.zeros_like(loudness)) is None
    assert locate_mouth(pictures, np.roll(loudness, 90)) is None  # another's speech


def test_a_box_beside_the_film_is_used(tmp_path: Path):
    film = write_film(tmp_path / "a.mp4", 20)
    (tmp_path / "a.json").write_text(json.dumps({"x": 24, "y": 16, "side": 16}))
    crops = load_mouth_videos(tmp_path)["a"]
    assert crops.shape == (20, 88, 88)
    assert crops.dtype == np.uint8
    pictures = np.stack(list(grey_frames(film)))
    inside = pictures[:, 8:24, 16:32].mean((1, 2))
    assert np.allclose(crops.mean((1, 2)), inside, atol=3)
    assert np.ptp(crops.mean((1, 2))) > 20  # the square moves through the box


@pytest.mark.parametrize("fps", [12.5, 25.0, 50.0])
def test_films_of_any_rate_are_read_at_25(tmp_path: Path, fps: float):
    film = write_film(tmp_path / "a.mp4", 20, fps=fps)
    pictures = np.stack(list(grey_frames(film)))
    assert len(pictures) == pytest.approx(20 * 25 / fps, abs=1)
    times = (np.arange(len(pictures)) + 0.5) / 25
    left = [int((row.astype(float) > 110).argmax()) for row in pictures[:, 16]]
    assert np.allclose(left, np.floor(times * fps), atol=1.01)


def test_pictures_in_an_unknown_codec(tmp_path: Path):
    film = write_film(tmp_path / "future.mp4", 5)
    film.write_bytes(film.read_bytes().replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(InputError, match="no decoder"):
        next(grey_frames(film))


def test_what_is_wrong_with_a_film_is_said(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no films"):
        load_mouth_videos(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_mouth_video(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a film"):
        load_mouth_video(tmp_path / "b.mp4")
    film = write_film(tmp_path / "c.mp4", 60, audio=write_wav(tmp_path / "s.wav", np.zeros(40_000)))
    with pytest.raises(ValueError, match=r"mouth is not found; write its box to c\.json"):
        load_mouth_video(film)
    (tmp_path / "c.json").write_text('{"x": 4000, "y": 1, "side": 5}')
    with pytest.raises(ValueError, match="outside the film's 64x48"):
        load_mouth_video(film)
    (tmp_path / "c.json").write_text('{"x": 40}')
    with pytest.raises(ValueError, match="is no box of a mouth"):
        load_mouth_video(film)


def stretch(clip: str, times: torch.Tensor) -> Stretch:
    nothing = Motion(torch.zeros(len(times), 1), torch.zeros(1, 1, 3))
    return Stretch(nothing, clip, times)


def test_the_teacher_shows_the_frames_of_the_asked_times():
    film = np.arange(10, dtype=np.uint8)[:, None, None].repeat(88, 1).repeat(88, 2)
    teach = video_teacher({"a": film})
    shown = teach(stretch("a", torch.tensor([0.02, 0.10, 0.21])))
    assert shown is not None
    assert torch.equal(shown[:, 0, 0] * 255, torch.tensor([0.0, 2.0, 5.0]))
    assert teach(stretch("b", torch.tensor([0.02]))) is None
    assert teach(stretch("a", torch.tensor([0.02, torch.nan]))) is None
    assert teach(stretch("a", torch.tensor([0.38, 0.42]))) is None


def test_the_whole_demo_film_becomes_crops(demo_film: Path):
    crops = load_mouth_videos(demo_film.parent)["demo"]
    assert crops.shape == (275, 88, 88)
    middle = crops[:, 34:54, 24:64].astype(float)
    edge = crops[:, :10, 24:64].astype(float)
    assert middle.std(0).mean() > 1.5 * edge.std(0).mean()
