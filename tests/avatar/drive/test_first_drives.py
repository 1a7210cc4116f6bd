"""Two first drives at once: neither spoils what the other compiles."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import ROOT, write_wav

from common.assets import DEMO_AVATAR


@pytest.mark.slow
def test_two_first_drives_at_once_make_the_same_film(voice: np.ndarray, tmp_path: Path):
    sound = write_wav(tmp_path / "voice.wav", voice[16_000:20_000])
    caches = {"VOICESPLAT_CACHE": tmp_path / "own", "NUMBA_CACHE_DIR": tmp_path / "kernels"}
    environ = os.environ | {name: str(path) for name, path in caches.items()}
    films = [tmp_path / name for name in ("a.mp4", "b.mp4")]
    drive = [sys.executable, ROOT / "scripts" / "drive.py", "--avatar", DEMO_AVATAR]
    drive += ["--audio", sound, "--width", "64", "--height", "64", "--device", "cpu", "--threads=1"]
    both = [
        subprocess.Popen(
            [*map(str, drive), "--out", str(film)],
            env=environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for film in films
    ]
    for process in both:
        said = process.communicate(timeout=900)[1]
        assert process.returncode == 0, said
        assert "compiling for this processor" in said
    assert films[0].read_bytes() == films[1].read_bytes()
    assert any((tmp_path / "kernels").rglob("*.nbi"))
