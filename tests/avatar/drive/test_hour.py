"""An hour of speech in one film."""

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile
from support import ROOT

from audio2mesh import stream_audio

RATE, FPS, SECONDS = 16_000, 25, 3600
GROWTH_MB = 55  # 20 of it are the container's index of 260,000 packets, which is written last
SETTLED = 10  # of the film's seconds on the wall


def resident_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 2**10


@pytest.mark.soak
def test_an_hour_is_filmed_in_flat_memory_and_exact_length(
    avatar_file: Path, voice: np.ndarray, tmp_path: Path
):
    hour, film = tmp_path / "hour.wav", tmp_path / "hour.mp4"
    wavfile.write(hour, RATE, (np.resize(voice, SECONDS * RATE) * 32767).astype(np.int16))
    command = [sys.executable, str(ROOT / "scripts" / "drive.py"), "--avatar", str(avatar_file)]
    command += ["--audio", str(hour), "--out", str(film), "--width", "32", "--height", "32"]
    sizes: list[float] = []
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if list(tmp_path.glob(".hour.*.mp4")):
                sizes.append(resident_mb(process.pid))
            time.sleep(1)
    assert process.returncode == 0
    print(f"{sizes[SETTLED]:.0f} MiB with the first frames, {max(sizes):.0f} at most")
    assert max(sizes) < sizes[SETTLED] + GROWTH_MB
    assert frames_of(film) == SECONDS * FPS
    assert abs(sum(map(len, stream_audio(film, 48_000))) - SECONDS * 48_000) <= 1


def frames_of(film: Path) -> int:
    """How many frames a film has, each where it belongs."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        shown = sorted(p.pts for p in container.demux(stream) if p.pts is not None)
        expected = [Fraction(n, FPS) / stream.time_base for n in range(len(shown))]
        assert shown == expected
        return len(shown)
