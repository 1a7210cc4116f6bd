from pathlib import Path

import numpy as np
import pytest
import torch
from films import write_film
from support import ROOT, write_wav

from audio2mesh import load_audio
from audio2mesh.model.motion import Motion
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.video.camera_path import framing, read_track
from avatar.video.reader import grey_frames
from common.errors import InputError
from research.lipreading.critic import Stretch
from research.lipreading.videos import (
    _found_box,
    load_mouth_video,
    load_mouth_videos,
    video_teacher,
)


@pytest.fixture(scope="module")
def demo_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the demo voice, spoken by the demo avatar with a quiet head."""
    assets, path = ROOT / "assets", tmp_path_factory.mktemp("films") / "demo.mp4"
    avatar, voice = assets / "demo_avatar.ply", path.with_suffix(".wav")
    write_wav(voice, load_audio(assets / "demo_voice.flac")[:32_000])
    drive(DriveOptions(avatar, voice, path, width=256, height=256, head=0.3))
    return path


def true_mouth(width: int) -> tuple[float, float]:
    """Where the camera of the demo film sees the mean head's lips, in pixels."""
    head = load_head()
    camera = next(read_track("front", (width, width), (0.0, 0.0))(framing(head.vertices), 1, 25.0))
    lips = head.vertices[head.regions["lips"]].mean(0)
    x, y, z = camera.K @ (camera.viewmat @ torch.cat([lips, torch.ones(1)]))[:3]
    return float(x / z), float(y / z)


def test_the_mouth_of_a_film_is_found(demo_film: Path):
    box = _found_box(demo_film)
    x, y = true_mouth(256)
    assert box.x == pytest.approx(x, abs=6)
    assert box.y == pytest.approx(y, abs=10)  # the camera frames the hair as well
    assert 45 < box.side < 100


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
    film = write_film(tmp_path / "c.mp4", 60)
    with pytest.raises(ValueError, match=r"c\.mp4: no face is found in it"):
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


def test_a_whole_film_becomes_crops(demo_film: Path):
    crops = load_mouth_videos(demo_film.parent)["demo"]
    assert crops.shape == (50, 88, 88)
    middle = crops[:, 34:54, 24:64].astype(float)
    edge = crops[:, :10, 24:64].astype(float)
    assert middle.std(0).mean() > 1.5 * edge.std(0).mean()
