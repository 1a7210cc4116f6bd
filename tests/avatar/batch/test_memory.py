"""What a worker holds does not grow with its jobs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from batches import manifest
from support import ROOT, write_wav

JOBS, SETTLED = 500, 50


@pytest.mark.soak
def test_memory_is_flat_over_hundreds_of_jobs(avatar_file: Path, voice: np.ndarray, tmp_path: Path):
    lines, out = tmp_path / "lines", tmp_path / "out"
    lines.mkdir()
    for number in range(JOBS):
        write_wav(lines / f"{number}.wav", voice[300 * number : 300 * number + 4000])
    given = ("--avatars", avatar_file, "--audio", lines, "--out", out, "--make", "both")
    given += ("--width", 32, "--height", 32, "--workers", 1, "--threads", 1, "--shard", "1/1")
    command = [sys.executable, str(ROOT / "scripts" / "batch.py"), *map(str, given)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    peaks = sorted(record["peak_mb"] for record in manifest(out).values())  # they only grow
    assert len(peaks) == JOBS
    assert peaks[-1] < 1.03 * peaks[SETTLED], (peaks[SETTLED], peaks[-1])
