"""Moving cameras from a JSON file of keyframes.

Either every keyframe gives angles,

    {"keyframes": [
      {"time": 0, "azimuth": -4, "elevation": 0, "distance": 1.0, "target": [0, 0, 0], "fov_y": 20},
      {"time": 4, "azimuth": 40, "elevation": 9, "distance": 0.8, "target": [0, 0, 0], "fov_y": 20}
    ]}

or every keyframe gives a place: "eye": [x, y, z] instead of azimuth, elevation and distance. Times
are in seconds and rise; angles are in degrees and do not wrap (0 to 360 is a full turn); lengths
are in metres, in head space. Before the first and after the last keyframe the camera rests.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.errors import InputError
from common.json_files import read_json
from splat.scene.camera import Camera, look_at, orbit

ANGLE_FORM = {"time": 1, "azimuth": 1, "elevation": 1, "distance": 1, "target": 3, "fov_y": 1}
PLACE_FORM = {"time": 1, "eye": 3, "target": 3, "fov_y": 1}


@dataclass(frozen=True)
class CameraPath:
    """Keyframes of a camera, read and checked."""

    path: Path
    rows: np.ndarray  # [keyframes, values], times first
    camera_at: Callable[[np.ndarray, int, int], Camera]

    def cameras(self, frames: int, fps: float, width: int, height: int) -> Iterator[Camera]:
        """Cameras of `frames` frames at `fps`, on a smooth curve through the keyframes.

        It starts and ends at rest and does not swing past a keyframe. InputError where a camera
        on it looks straight up or down.
        """
        rows = self.rows
        seconds = np.clip(np.arange(frames) / fps, rows[0, 0], rows[-1, 0])
        values = rows[[0] * frames] if len(rows) == 1 else _curve(rows)(seconds)
        return (self.camera_at(row, width, height) for row in values)


def read_camera_path(path: Path) -> CameraPath:
    """The keyframes of a file. Raises FileNotFoundError, or InputError naming the rule."""
    keyframes = _keyframes(path)
    form = PLACE_FORM if "eye" in keyframes[0] else ANGLE_FORM
    rows = np.array([_numbers(path, i, keyframe, form) for i, keyframe in enumerate(keyframes)])
    if (np.diff(rows[:, 0]) <= 0).any():
        raise InputError(f"{path}: the times of the keyframes do not rise")
    return CameraPath(path, rows, _place_camera if form is PLACE_FORM else _angle_camera)


def _curve(rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Monotone cubics (Fritsch and Carlson 1980) through rows [keyframes, values], times first."""
    from scipy.interpolate import (  # noqa: PLC0415  most films need none
        CubicHermiteSpline,
        PchipInterpolator,
    )

    slopes = PchipInterpolator(rows[:, 0], rows).derivative()(rows[:, 0])
    slopes[[0, -1]] = 0
    return CubicHermiteSpline(rows[:, 0], rows, slopes)


def _keyframes(path: Path) -> list[dict[str, Any]]:
    content = read_json(path)
    keyframes = content.get("keyframes") if isinstance(content, dict) else None
    if not isinstance(keyframes, list) or not keyframes:
        raise InputError(f'{path}: there is no list "keyframes" with at least one entry')
    if not all(isinstance(keyframe, dict) for keyframe in keyframes):
        raise InputError(f"{path}: a keyframe is not an object")
    return keyframes


def _numbers(path: Path, i: int, keyframe: dict[str, Any], form: dict[str, int]) -> list[float]:
    if set(keyframe) != set(form):
        wanted, found = ", ".join(form), ", ".join(keyframe)
        raise InputError(f"{path}: keyframe {i} has the entries {found}, but needs {wanted}")
    row: list[float] = []
    for name, count in form.items():
        values = keyframe[name] if count == 3 else [keyframe[name]]
        if not isinstance(values, list) or len(values) != count or not all(map(_is_number, values)):
            what = "a finite number" if count == 1 else "three finite numbers"
            raise InputError(f'{path}: "{name}" of keyframe {i} is not {what}')
        row += values
    if not 0 < keyframe["fov_y"] < 180:
        raise InputError(f'{path}: "fov_y" of keyframe {i} is not between 0 and 180 degrees')
    if not keyframe.get("distance", 1) > 0:
        raise InputError(f'{path}: "distance" of keyframe {i} is not positive')
    if keyframe.get("eye") == keyframe["target"]:
        raise InputError(f'{path}: "eye" and "target" of keyframe {i} are the same place')
    return row


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _angle_camera(row: np.ndarray, width: int, height: int) -> Camera:
    _, azimuth, elevation, distance, *target, fov_y = row.tolist()
    return orbit(torch.tensor(target), distance, azimuth, elevation, fov_y, width, height)


def _place_camera(row: np.ndarray, width: int, height: int) -> Camera:
    eye, target = torch.from_numpy(row[1:4]), torch.from_numpy(row[4:7])
    up = torch.tensor([0.0, 1.0, 0.0])
    return look_at(eye, target, up, fov_y_deg=float(row[7]), width=width, height=height)
