"""The teacher's crops beside the truth, to look at."""

from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch

from audio2mesh.sound.mel import log_mel
from audio2mesh.teacher.expert import Film
from audio2mesh.teacher.network import Teacher, teacher_crops

_COLUMNS, _ROWS = 16, 4


def write_sheet(teacher: Teacher, films: Sequence[Film], path: Path) -> None:
    """A picture with evenly chosen frames of films: drawn ones, below each row the true ones."""
    rows = [row for film in films for row in _pairs(teacher, film)]
    partial = path.with_name(f".{path.name}")
    iio.imwrite(partial, (np.concatenate(rows) * 255).round().astype(np.uint8), extension=".png")
    partial.replace(path)


def _pairs(teacher: Teacher, film: Film) -> list[np.ndarray]:
    """Rows [88, 16 · 88] of one film: drawn and true, by turns."""
    count = len(film.crops)
    drawn = teacher_crops(teacher, log_mel(torch.from_numpy(film.audio)), count).numpy()
    frames = np.linspace(0, count - 1, _COLUMNS * _ROWS).round().astype(int)
    return [
        np.concatenate(list(crops[row]), axis=1)
        for row in frames.reshape(_ROWS, _COLUMNS)
        for crops in (drawn, film.crops / 255.0)
    ]
