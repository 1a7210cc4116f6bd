"""What was found of the frames of a film, kept on disk as it comes, for a run that goes on."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.vision.crops import Squares
from avatar.vision.follow import FaceFrame
from avatar.vision.landmarks import COUNT
from common.arrays import pick, read_arrays, write_arrays

FOLDER = "found"
PART = 100  # frames in a file, which is what an interrupted run may lose


def keep_frames(folder: Path, known: int, frames: Iterable[FaceFrame]) -> Iterator[FaceFrame]:
    """The frames as they come after the known ones, and in files in `folder` a little later."""
    (folder / FOLDER).mkdir(exist_ok=True)
    part: list[FaceFrame] = []
    for frame in frames:
        part.append(frame)
        if len(part) == PART:
            write_arrays(_path(folder, known), _arrays(part))
            known += PART
            part = []
        yield frame


def kept_frames(folder: Path, device: torch.device) -> list[FaceFrame]:
    """The frames that an earlier run kept, from the first one on."""
    found: list[FaceFrame] = []
    while _path(folder, len(found)).is_file():
        found += _frames(_path(folder, len(found)), device)
    return found


def forget_frames(folder: Path) -> None:
    """Remove the files."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _path(folder: Path, first: int) -> Path:
    return folder / FOLDER / f"{first:06d}.npz"


def _arrays(frames: Sequence[FaceFrame]) -> dict[str, np.ndarray]:
    """Numbers are nan where a face is lost."""
    return {
        "shot": np.array([frame.shot for frame in frames]),
        "presence": np.array([frame.presence for frame in frames]),
        "points": np.stack([_or_nan(frame.points, (COUNT, 3)) for frame in frames]),
        "where": np.stack([_or_nan(_as_row(frame.where), (4,)) for frame in frames]),
    }


def _or_nan(values: Tensor | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan, np.float32) if values is None else values.cpu().numpy()


def _as_row(where: Squares | None) -> Tensor | None:
    """Centre, side and angle [4] of a single square."""
    return where and torch.cat([where.centres[0], where.sides, where.angles])


def _frames(path: Path, device: torch.device) -> list[FaceFrame]:
    kept = read_arrays(path)
    shots, presences, points, rows = (
        torch.from_numpy(pick(path, kept, name)).to(device)
        for name in ("shot", "presence", "points", "where")
    )
    found = []
    for shot, presence, face, row in zip(shots, presences, points, rows, strict=True):
        lost = bool(row.isnan().any())
        where = None if lost else Squares(row[None, :2], row[2:3], row[3:])
        found.append(FaceFrame(int(shot), None if lost else face, float(presence), where))
    return found
