"""Helpers that tests import by name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
