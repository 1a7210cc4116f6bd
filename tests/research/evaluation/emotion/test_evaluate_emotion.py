"""The command that measures spoken emotions: what it writes and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ROOT, Outcome, write_wav

from audio2mesh.data.phones import Phone, to_arrays
from common.arrays import write_arrays
from research.evaluation.emotion.spoken import EXPRESSED_EMOTIONS

Run = Callable[..., Outcome]


@pytest.fixture
def folder(voice: np.ndarray, tmp_path: Path) -> Path:
    """Three seconds of the demo voice with the times of an m and an o, by ear."""
    data = tmp_path / "data"
    data.mkdir()
    write_wav(data / "it.wav", voice[:48_000])
    phones = [Phone("M", 1.65, 1.75), Phone("OW", 0.68, 0.85), Phone("F", 1.28, 1.4)]
    write_arrays(data / "it.npz", to_arrays(phones))
    return data


def test_a_report_and_a_sheet(run_script: Run, folder: Path, tmp_path: Path):
    report, sheet = tmp_path / "emotion.json", tmp_path / "emotion.png"
    out = ("--report", report, "--sheet", sheet, "--frames", 2)
    done = run_script("evaluate emotion", "--data", folder, *out)
    assert done.status == 0, done
    figures = json.loads(report.read_text())
    assert set(figures["felt"]) == {"anny-head", "demo_avatar"}
    assert list(figures["felt"]["anny-head"]) == list(EXPRESSED_EMOTIONS)
    assert figures["felt"]["demo_avatar"]["fear"]["1"]["closure_mbp"] == 1
    assert figures["plain"]["demo_avatar"]["fear"]["1"]["closure_mbp"] == 0
    assert set(figures["recognised"]) == {"0.33", "0.66", "1"}
    with Image.open(sheet) as picture:
        assert picture.height > 8 * 300


def test_what_is_refused(run_script: Run, folder: Path, tmp_path: Path):
    demo = ROOT / "assets" / "demo_avatar.ply"
    (folder / "it.npz").rename(tmp_path / "aside.npz")
    for wrong, said in (
        (("--data", tmp_path / "gone"), "no such folder"),
        (("--data", folder), "no recording has phones"),
        (("--data", folder, "--avatar", tmp_path / "gone.ply"), "gone.ply"),
        (("--data", folder, "--avatar", demo, demo), "same name"),
        (("--data", folder, "--frames", "0"), "--frames 0"),
    ):
        refused = run_script("evaluate emotion", *wrong)
        assert refused.status == 2, wrong
        assert said in refused.stderr and "Traceback" not in refused.stderr
