import sys
from pathlib import Path

import pytest
from support import ROOT

from research.bench.drive import (
    alone,
    measure_drive,
    measure_live,
    measure_speech,
    repeated,
)

DRIVE = (sys.executable, str(ROOT / "scripts" / "drive.py"))
VOICE = ROOT / "assets" / "demo_voice.flac"


@pytest.mark.slow
def test_a_drive_is_measured(avatar_file: Path):
    size = ("--width", "64", "--height", "64")
    report = measure_drive(DRIVE, avatar_file, VOICE, 12.0, size)
    assert report.frames == 300
    assert 0 < report.steady_fps < float("inf") and report.peak_rss_mb > 100
    drawing = sum(report.stages[name] for name in ("rig", "raster"))
    assert drawing <= 2.02 * report.frames / report.steady_fps  # two frames at once


@pytest.mark.slow
def test_a_drive_that_fails_says_why(tmp_path: Path):
    with pytest.raises(ValueError, match=r"gone\.ply: no such file"):
        measure_drive(DRIVE, tmp_path / "gone.ply", VOICE, 1.0)


@pytest.mark.parametrize("seconds", [0.5, 11.0, 25.0])
def test_the_voice_is_cut_or_repeated(seconds: float):
    assert sum(map(len, repeated(VOICE, seconds))) == pytest.approx(16_000 * seconds)


@pytest.mark.slow
def test_speech_to_motion_is_measured():
    times = alone(measure_speech, VOICE, 12.0)
    assert times.per_core >= 0.9 * times.ratio / times.threads > 0
    assert times.peak_rss_mb > 100


@pytest.mark.slow
def test_live_speech_is_measured():
    live = alone(measure_live, VOICE, 6.0)
    assert live.latency <= 0.4 and live.share > 0
    assert 0 < live.error < 2.8  # mm², a tenth of the shipped weights' own error
