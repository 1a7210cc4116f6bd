"""Motion written as ARKit weights: what went in comes out."""

import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import ROOT, Outcome, write_wav

from avatar.arkit import WEIGHTS, read_take, write_take
from avatar.drive import drive
from avatar.export import ExportOptions, export_motion
from avatar.options import DriveOptions


@pytest.fixture
def saved(avatar_file: Path, tmp_path: Path) -> Callable[[np.ndarray, np.ndarray], Path]:
    """Save the motion of weights [F, 52] and head angles [F, 3] at 25 fps, by driving."""

    def save(weights: np.ndarray, angles: np.ndarray) -> Path:
        write_take(tmp_path / "given.csv", weights, angles, 25.0)
        motion = tmp_path / "motion.npz"
        options = DriveOptions(avatar_file, arkit=tmp_path / "given.csv", save_motion=motion)
        drive(replace(options, output=tmp_path / "video.mp4", width=16, height=16))
        return motion

    return save


def test_known_weights_come_back(saved: Callable[[np.ndarray, np.ndarray], Path], tmp_path: Path):
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(30, 52)) * (rng.uniform(size=(30, 52)) < 0.2)
    angles = rng.uniform(-0.3, 0.3, (30, 3))
    done = export_motion(ExportOptions(tmp_path / "face.csv", motion=saved(weights, angles)))
    take = read_take(tmp_path / "face.csv")
    assert np.abs(take.weights - weights).max() < 2e-4
    assert np.abs(take.head - angles).max() < 1e-4
    assert (done.frames, done.fps) == (30, 25)
    assert done.misfit.lips_mm < 1e-3 < 0.1 < done.misfit.lip_motion_mm


def test_a_voice_is_said_nearly_in_weights(voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:48_000])
    done = export_motion(ExportOptions(tmp_path / "face.csv", audio=audio))
    take = read_take(tmp_path / "face.csv")
    assert done.frames == len(take.times) == 75
    assert done.misfit.lips_mm < 0.1 * done.misfit.lip_motion_mm
    assert take.weights[:, WEIGHTS.index("jawOpen")].max() > 0.2
    assert take.weights[:, WEIGHTS.index("eyeBlinkLeft")].max() > 0.5
    assert np.abs(take.head).max() > 0.005


def test_still_leaves_only_speech(voice: np.ndarray, tmp_path: Path):
    audio = write_wav(tmp_path / "voice.wav", voice[:48_000])
    export_motion(ExportOptions(tmp_path / "face.csv", audio=audio, still=True))
    take = read_take(tmp_path / "face.csv")
    assert take.weights[:, WEIGHTS.index("eyeBlinkLeft")].max() < 0.05
    assert not take.head.any()


@pytest.fixture
def run_export(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["export_motion.py", *map(str, arguments)])
        status = 0
        try:
            runpy.run_path(str(ROOT / "scripts" / "export_motion.py"), run_name="__main__")
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


def test_the_command_says_what_it_wrote(
    run_export: Callable[..., Outcome], voice_file: Path, tmp_path: Path
):
    outcome = run_export("--audio", voice_file, "--out", tmp_path / "face.csv")
    assert outcome.status == 0
    assert "25 frames at 25 fps" in outcome.stdout
    assert " mm off" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "face.csv"), ("--audio", "--motion")),
        (("--out", "face.csv", "--audio", "gone.wav"), ("gone.wav", "no such file")),
        (("--out", "face.txt", "--audio", "voice.wav"), ("face.txt", ".csv", ".npz")),
        (("--out", "face.npz", "--audio", "voice.wav"), ("face.npz", "--flame")),
        (("--out", "voice.wav", "--audio", "voice.wav"), ("voice.wav", "twice")),
        (("--out", "no/face.csv", "--audio", "voice.wav"), ("face.csv", "does not exist")),
        (("--out", "face.csv", "--motion", "voice.wav"), ("voice.wav", "no motion file")),
    ],
)
def test_what_cannot_be_written_is_refused(
    run_export: Callable[..., Outcome],
    voice_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: tuple[str, ...],
):
    monkeypatch.chdir(voice_file.parent)
    outcome = run_export(*arguments)
    assert outcome.status == 2, outcome
    assert all(words in outcome.stderr for words in said), outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert [path.name for path in voice_file.parent.iterdir()] == ["voice.wav"]
