"""A handful of named points of the face, for meshes on which it is not found without."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.errors import InputError
from common.json_files import read_json

# Vertices of anny-head. Left is the subject's left (+x). The lips' middles are where the closed
# lips meet, not the middle of the red; the ears' points are their outermost; the chin's is its
# lowest point seen from the front.
LANDMARKS: Mapping[str, int] = {
    "nose_tip": 1432,
    "nose_bridge": 132,
    "chin": 1549,
    "left_eye_outer": 2201,
    "left_eye_inner": 2246,
    "right_eye_inner": 69,
    "right_eye_outer": 24,
    "left_mouth_corner": 2643,
    "right_mouth_corner": 501,
    "upper_lip_middle": 474,
    "lower_lip_middle": 493,
    "left_ear": 3886,
    "right_ear": 1817,
}
FEWEST = 4
FARTHEST = 1e9  # from the origin, in whatever unit


def read_landmarks(path: Path) -> dict[str, Tensor]:
    """Points [3] by name from a JSON file {name: [x, y, z]}, in the mesh's own space and unit.

    Raises FileNotFoundError or InputError, in one sentence, where the file cannot be used.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} does not hold names and points; {how_to_write()}")
    for name, point in content.items():
        _check_point(path, name, point)
    landmarks = {name: torch.tensor(point, dtype=torch.float32) for name, point in content.items()}
    check_landmarks(landmarks, str(path))
    return landmarks


def check_landmarks(landmarks: Mapping[str, Tensor], source: str = "the landmarks") -> None:
    """Raise InputError where names are unknown, or the points are too few or in one line."""
    unknown = sorted(set(landmarks) - set(LANDMARKS))
    if unknown:
        raise InputError(
            f"{source}: no landmark is called {unknown[0]!r}; known: {', '.join(LANDMARKS)}"
        )
    if len(landmarks) < FEWEST:
        raise InputError(
            f"{source}: {len(landmarks)} landmarks are too few, give at least {FEWEST}; "
            f"{how_to_write()}"
        )
    points = np.stack([np.asarray(point, float) for point in landmarks.values()])
    sizes = np.linalg.svd(points - points.mean(0), compute_uv=False)
    if not np.isfinite(points).all() or sizes[1] < 0.1 * sizes[0] or sizes[0] <= 0:
        raise InputError(f"{source}: the points lie in one line or one place; {how_to_write()}")


def how_to_write() -> str:
    """What to do where landmarks are needed."""
    return (
        'write a JSON file like {"nose_tip": [x, y, z], ..} with the positions, in the mesh\'s own '
        f"coordinates, of at least {FEWEST} of {', '.join(LANDMARKS)} (left is the subject's left)"
        " and pass it with --landmarks"
    )


def landmark_points(
    landmarks: Mapping[str, Tensor],
) -> tuple[NDArray[np.integer], NDArray[np.floating]]:
    """Template vertices [P], and where they are on the mesh [P, 3]."""
    index = np.array([LANDMARKS[name] for name in landmarks])
    return index, np.stack([np.asarray(point, np.float64) for point in landmarks.values()])


def _check_point(path: Path, name: str, point: object) -> None:
    values = point if isinstance(point, list) else []
    numbers = [v for v in values if isinstance(v, int | float) and abs(v) < FARTHEST]
    if len(values) != 3 or len(numbers) != 3:
        raise InputError(f"{path}: {name!r} is not a point of three numbers; {how_to_write()}")
