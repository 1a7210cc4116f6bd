"""Helpers that tests import by name."""

import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.threads import COUNTS, WAITING

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    """A mono float32 wav."""
    data = np.asarray(samples, "<f4").tobytes()
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt "
    fields = ((16, 4), (3, 2), (1, 2), (rate, 4), (rate * 4, 4), (4, 2), (32, 2))
    header += b"".join(value.to_bytes(size, "little") for value, size in fields)
    path.write_bytes(header + b"data" + len(data).to_bytes(4, "little") + data)
    return path


def python(code: str, **environ: str) -> str:
    """What a new Python prints that knows of no variable of threads but these."""
    clean = {k: v for k, v in os.environ.items() if k not in (*WAITING, *COUNTS, "GOMP_SPINCOUNT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_port() -> int:
    """A port below those that systems give to whoever asks for any, so that nobody gets it before
    the test that will listen there."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if not is_open(port):
            return port


def is_open(port: int) -> bool:
    """Whether something on this machine listens at a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
