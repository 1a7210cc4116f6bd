from pathlib import Path

import pytest
from support import ROOT

from audio2mesh import probe_audio
from avatar.benchmark import measure_drive, write_repeated

SCRIPT, VOICE = ROOT / "scripts" / "drive.py", ROOT / "assets" / "demo_voice.flac"


@pytest.mark.slow
def test_a_drive_is_measured(avatar_file: Path):
    size = ("--width", "64", "--height", "64")
    report = measure_drive(SCRIPT, avatar_file, VOICE, 12.0, size)
    assert report.frames == 300
    assert report.steady_fps > 5
    assert report.peak_rss_mb > 100


@pytest.mark.slow
def test_a_drive_that_fails_says_why(tmp_path: Path):
    with pytest.raises(ValueError, match=r"gone\.ply: no such file"):
        measure_drive(SCRIPT, tmp_path / "gone.ply", VOICE, 1.0)


@pytest.mark.parametrize("seconds", [0.5, 11.0, 25.0])
def test_the_voice_is_cut_or_repeated(tmp_path: Path, seconds: float):
    write_repeated(tmp_path / "voice.wav", VOICE, seconds)
    assert probe_audio(tmp_path / "voice.wav").seconds == pytest.approx(seconds)
