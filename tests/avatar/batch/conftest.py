"""Small batches: short recordings of a voice, on a small avatar."""

from pathlib import Path

import numpy as np
import pytest
from support import write_wav

from avatar.batch.options import BatchOptions

COUNT, SAMPLES = 3, 4_000


@pytest.fixture
def lines(voice: np.ndarray, tmp_path: Path) -> Path:
    """A folder of recordings of a quarter of a second each."""
    folder = tmp_path / "lines"
    folder.mkdir()
    for number in range(COUNT):
        start = 16_000 + number * SAMPLES
        write_wav(folder / f"line{number}.wav", voice[start : start + SAMPLES])
    return folder


@pytest.fixture
def given(avatar_file: Path, lines: Path, tmp_path: Path) -> BatchOptions:
    """Films of 32 pixels and motion of all recordings."""
    return BatchOptions(
        avatars=(str(avatar_file),),
        audio=(str(lines),),
        out=str(tmp_path / "out"),
        make="both",
        width=32,
        height=32,
        shard="1/1",
    )
