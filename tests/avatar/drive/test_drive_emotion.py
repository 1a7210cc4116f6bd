"""Emotions through drive and export: what they change, what they leave, what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import Outcome, write_wav

from avatar.avatar_io.live_link import read_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.drive.export import export
from avatar.drive.options import ExportOptions
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS

Run = Callable[..., Outcome]


@pytest.fixture
def voice_of_four_seconds(voice: np.ndarray, tmp_path: Path) -> Path:
    return write_wav(tmp_path / "voice.wav", voice[:64_000])


def test_a_timeline_is_exported_as_weights(voice_of_four_seconds: Path, tmp_path: Path):
    emotions = tmp_path / "emotions.txt"
    emotions.write_text("0-2 neutral\n2- sad 0.5\n")

    def brow(name: str, emotion: str | None) -> np.ndarray:
        out = tmp_path / name
        export(ExportOptions(out, audio=voice_of_four_seconds, still=True, emotion=emotion))
        return read_take(out).weights[:, WEIGHTS.index("browInnerUp")]

    sad, plain = brow("sad.csv", str(emotions)), brow("plain.csv", None)
    assert sad[:50] == pytest.approx(plain[:50], abs=1e-6)
    assert sad[80:] == pytest.approx(0.5 * EMOTIONS["sad"].units["browInnerUp"], abs=0.03)


def test_without_an_emotion_the_motion_is_as_it_was(voice_of_four_seconds: Path, tmp_path: Path):
    def moved(name: str, emotion: str | None) -> np.ndarray:
        out = tmp_path / name
        export(ExportOptions(out, audio=voice_of_four_seconds, emotion=emotion))
        return np.concatenate([chunk.numpy() for chunk in motion_chunks(open_motion(out))])

    plain, happy = moved("plain.npz", None), moved("happy.npz", "happy")
    assert np.array_equal(moved("neutral.npz", "neutral"), plain)
    corners = load_head().regions["lips"]
    assert np.abs(happy - plain)[:, corners].max() > 5e-3


def test_who_is_angry_moves_the_head_more(voice_of_four_seconds: Path, tmp_path: Path):
    def turned(name: str, emotion: str) -> float:
        export(ExportOptions(tmp_path / name, audio=voice_of_four_seconds, emotion=emotion))
        return float(read_take(tmp_path / name).head.std(0).sum())

    assert turned("angry.csv", "angry") > 1.5 * turned("neutral.csv", "neutral")


def test_drive_shows_an_emotion_and_refuses_what_is_none(
    run_drive: Run, avatar_file: Path, voice_file: Path, tmp_path: Path
):
    drive = ("--avatar", avatar_file, "--audio", voice_file, "--out", tmp_path / "film")
    small = ("--width", "16", "--height", "16")
    done = run_drive(*drive, *small, "--emotion", "happy:0.5,surprise:0.2", "--intensity", "0.6")
    assert done.status == 0, done
    for wrong, said in (
        (("--emotion", "merry"), "'merry' is no emotion"),
        (("--emotion", "gone.txt"), "gone.txt: there is no such file"),
        (("--emotion", "happy", "--intensity", "2"), "--intensity 2"),
        (("--intensity", "0.5"), "--intensity: has nothing to do"),
    ):
        refused = run_drive(*drive[:4], "--out", tmp_path / "other", *small, *wrong)
        assert refused.status == 2
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not (tmp_path / "other").exists()
