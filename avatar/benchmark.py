"""Time a whole drive, each in a process of its own so that its memory is its own too."""

import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np

from audio2mesh import load_audio
from avatar.report import Report

RATE = 16_000


def measure_drive(
    script: Path, avatar: Path, voice: Path, seconds: float, options: Iterable[str] = ()
) -> Report:
    """The report of `script` (drive.py) over `voice`, repeated or cut to a length in seconds.

    Raises ValueError with what the script said if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        audio, report = Path(folder) / "voice.wav", Path(folder) / "report.json"
        write_repeated(audio, voice, seconds)
        command = [sys.executable, script, "--avatar", avatar, "--audio", audio]
        done = subprocess.run(
            [*map(str, command), "--report", str(report), *options],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ValueError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
        saved = json.loads(report.read_text())
    return Report(**{field.name: saved[field.name] for field in fields(Report)})


def write_repeated(path: Path, voice: Path, seconds: float) -> None:
    """A 16-bit wav of `seconds` of the voice, from the start again where it ends."""
    samples = np.resize(load_audio(voice), round(seconds * RATE))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
