"""Recorded face motion moves an avatar, with a sound or without."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from support import write_wav

from avatar.avatar_io.live_link import write_take
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS


@pytest.fixture
def weights() -> np.ndarray:
    """Two seconds at 60 fps [F, 52]: the jaw opens and shuts, once a blink."""
    rows = np.zeros((120, len(WEIGHTS)))
    rows[:, WEIGHTS.index("jawOpen")] = np.sin(np.linspace(0, np.pi, 120)) * 0.6
    rows[60:, WEIGHTS.index("eyeBlinkLeft")] = 1.0
    return rows


@pytest.fixture
def options(avatar_file: Path, weights: np.ndarray, tmp_path: Path) -> DriveOptions:
    turn = np.stack([np.linspace(0, 0.4, 120), np.zeros(120), np.zeros(120)], 1)
    write_take(tmp_path / "face.csv", weights, turn, 60.0)
    return DriveOptions(
        avatar_file,
        arkit=tmp_path / "face.csv",
        out=tmp_path / "video.mp4",
        width=16,
        height=16,
        save_motion=tmp_path / "motion.npz",
    )


def test_the_take_moves_the_face(options: DriveOptions, weights: np.ndarray):
    report = drive(options)
    assert (report.frames, report.fps, report.audio_seconds) == (50, 25, 0)
    with np.load(str(options.save_motion)) as saved:
        offsets, pose = saved["offsets"], saved["head_pose"]
    head = load_head()
    jaw = head.unit("jawOpen").numpy()
    lips = head.regions["lips"].numpy()
    middles, known = (np.arange(50) + 0.5) / 25, (np.arange(120) + 0.5) / 60
    opened = np.interp(middles, known, weights[:, WEIGHTS.index("jawOpen")])
    assert np.abs(offsets[:, lips] - opened[:, None, None] * jaw[lips]).max() < 1e-6
    yaw = np.arctan2(pose[:, 0, 2], pose[:, 2, 2])
    assert (
        np.abs(yaw[1:-1] - np.interp(middles, known, np.linspace(0, 0.4, 120))[1:-1]).max() < 1e-5
    )
    lids = np.linalg.norm(offsets[:, head.regions["eyelids"].numpy()], axis=-1).max(1)
    assert lids[:20].max() < 1e-3 < 0.01 < lids[30:].min()


def test_still_holds_the_head_and_keeps_the_weights(options: DriveOptions):
    drive(replace(options, still=True))
    with np.load(str(options.save_motion)) as saved:
        assert np.array_equal(saved["head_pose"], np.tile(np.eye(4), (50, 1, 1)))
        assert np.abs(saved["offsets"]).max() > 0.01


def test_without_a_voice_the_film_is_silent(options: DriveOptions):
    with av.open(drive(options).output) as film:
        assert len(film.streams.audio) == 0
        assert film.streams.video[0].frames == 50


def test_the_voice_is_heard(options: DriveOptions, voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:20_000])
    report = drive(replace(options, audio=audio))
    assert (report.frames, report.audio_seconds) == (50, 1.25)
    with av.open(report.output) as film:
        sound = np.concatenate([f.to_ndarray()[0] for f in film.decode(audio=0)])
    assert len(sound) == pytest.approx(2 * 48_000, rel=0.03)
    assert np.abs(sound[:48_000]).max() > 0.02 > np.abs(sound[-24_000:]).max()


def test_a_film_of_another_rate_lasts_as_long(options: DriveOptions):
    assert drive(replace(options, fps=50.0)).frames == 100


def test_without_an_output_the_film_goes_beside_the_take(options: DriveOptions, tmp_path: Path):
    assert drive(replace(options, out=None)).output == str(tmp_path / "face_subject.mp4")
