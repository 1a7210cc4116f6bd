"""Cameras as NeRF's transforms files write them → ours.

On disk a camera is `transform_matrix`, camera to world with OpenGL axes (x right, y up, z back),
and either `fl_x`, `fl_y`, `cx`, `cy` in pixels or an opening angle in radians.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.errors import InputError
from splat import Camera

Entry = Mapping[str, Any]

KEYS = ("transform_matrix", "fl_x", "fl_y", "cx", "cy", "camera_angle_x", "camera_angle_y")
"""What of a frame decides its camera, besides the size of its picture."""
OPENCV_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))
RIGID = 2e-3
"""How far R·Rᵀ may be from the identity: what rounding to a few digits leaves behind."""


def read_camera(entry: Entry, size: tuple[int, int]) -> Camera:
    """The camera of one frame; size: width and height of its picture.

    Raises InputError that says which entry breaks which rule.
    """
    return Camera(_viewmat(entry), _intrinsics(entry, *size), *size)


def camera_reader() -> Callable[[Entry, tuple[int, int]], Camera]:
    """`read_camera` that gives frames with the same numbers one camera."""
    known: dict[tuple[str, tuple[int, int]], Camera] = {}

    def read(entry: Entry, size: tuple[int, int]) -> Camera:
        key = repr({name: entry[name] for name in KEYS if name in entry}), size
        if key not in known:
            known[key] = read_camera(entry, size)
        return known[key]

    return read


def number(entry: Entry, name: str) -> float:
    """A finite number by its name. Raises InputError where there is none."""
    value = entry.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InputError(f'"{name}" is {value!r}, not a finite number')
    return float(value)


def _viewmat(entry: Entry) -> Tensor:  # [4, 4] world to camera
    try:
        array = np.array(entry["transform_matrix"], np.float64)
    except (KeyError, ValueError, TypeError):
        array = np.zeros(0)
    if array.shape != (4, 4):
        raise InputError('"transform_matrix" is missing or not a matrix of 4 rows and 4 columns')
    if not np.isfinite(array).all():
        raise InputError('"transform_matrix" holds numbers that are not finite')
    matrix = torch.from_numpy(array)
    _check_rigid(matrix)
    return (OPENCV_OPENGL @ torch.linalg.inv(matrix)).float()


def _check_rigid(matrix: Tensor) -> None:
    R = matrix[:3, :3]
    determinant = float(torch.linalg.det(R))
    if abs(determinant) < 1e-9:
        raise InputError('"transform_matrix" is singular, so it is no camera')
    if determinant < 0:
        raise InputError('"transform_matrix" mirrors space: its determinant is negative')
    skew = float((R @ R.T - torch.eye(3, dtype=R.dtype)).abs().max())
    if skew > RIGID:
        raise InputError(
            f'"transform_matrix" is not a rotation and a shift: R·Rᵀ is {skew:.2g} away from the '
            "identity"
        )
    if not torch.allclose(matrix[3], torch.eye(4, dtype=R.dtype)[3], atol=1e-9):
        raise InputError('"transform_matrix" does not end in the row 0 0 0 1')


def _intrinsics(entry: Entry, width: int, height: int) -> Tensor:  # [3, 3] pixels
    focal_x = _focal(entry, "x", width)
    if focal_x is None:
        raise InputError('has neither "fl_x" nor "camera_angle_x"')
    focal_y = _focal(entry, "y", height) or focal_x
    centre_x = number(entry, "cx") if "cx" in entry else width / 2
    centre_y = number(entry, "cy") if "cy" in entry else height / 2
    return torch.tensor([[focal_x, 0, centre_x], [0, focal_y, centre_y], [0, 0, 1]])


def _focal(entry: Entry, axis: str, pixels: int) -> float | None:
    if (name := f"fl_{axis}") in entry:
        focal = number(entry, name)
        if focal <= 0:
            raise InputError(f'"{name}" is {focal:g}, not a positive focal length in pixels')
        return focal
    if (name := f"camera_angle_{axis}") not in entry:
        return None
    angle = number(entry, name)
    if not 0 < angle < math.pi:
        raise InputError(f'"{name}" is {angle:g}, not an angle between 0 and π')
    return pixels / (2 * math.tan(angle / 2))
