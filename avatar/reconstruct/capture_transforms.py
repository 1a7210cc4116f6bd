"""One transforms file, in the form that NeRF, GaussianAvatars and VHAP write, → frames and cameras.

The file is JSON: a list "frames", and entries beside it that hold for every frame. Paths in it are
relative to its folder. A camera is `transform_matrix`, camera to world with OpenGL axes (x right, y
up, z back), and either `fl_x`, `fl_y`, `cx`, `cy` in pixels or an opening angle in radians.
"""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import Size, picture_size, picture_sizes
from common.errors import InputError
from common.json_files import read_json
from splat import Camera

Entry = Mapping[str, Any]

KEYS = ("transform_matrix", "fl_x", "fl_y", "cx", "cy", "camera_angle_x", "camera_angle_y")
"""What of a frame decides its camera, besides the size of its picture."""
OPENCV_OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))
RIGID = 2e-3
"""How far R·Rᵀ may be from the identity: what rounding to a few digits leaves behind."""


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


PICTURES = ("file_path", "fg_mask_path", "region_path")
MESH_KEYS = ("flame_param_path", "vertices_path")
"""Where a frame may name the tracking of its timestep."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry: a view whose timestep is the file's own number, and the mesh of its timestep."""

    view: View
    mesh_key: str  # one of MESH_KEYS
    mesh: Path


@dataclass(frozen=True)
class _Source:
    """What the frames of one file share."""

    path: Path
    sizes: Mapping[str, Size]
    cameras: dict[tuple[str, Size], Camera] = field(default_factory=dict)  # by their numbers

    def camera(self, entry: Entry, size: Size) -> Camera:
        """The camera of a frame, one for all with the same numbers. InputError."""
        key = repr({name: entry[name] for name in KEYS if name in entry}), size
        if key not in self.cameras:
            self.cameras[key] = Camera(_viewmat(entry), _intrinsics(entry, *size), *size)
        return self.cameras[key]


def read_transforms(path: Path) -> tuple[Frame, ...]:
    """All frames of a file; that their pictures exist and fit is checked by their headers.

    Raises FileNotFoundError or InputError that names the file, the frame and the broken rule.
    """
    content = _read_json(path)
    shared = {key: value for key, value in content.items() if key != "frames"}
    entries = content["frames"]
    source = _Source(path, picture_sizes(path, _names(entries, shared)))
    return tuple(_read_frame(source, index, shared | entry) for index, entry in enumerate(entries))


def _names(entries: Sequence[Entry], shared: Entry) -> list[str]:
    """The pictures that frames name, each once."""
    named = (entry.get(key, shared.get(key)) for entry in entries for key in PICTURES)
    return list(dict.fromkeys(_with_suffix(name) for name in named if isinstance(name, str)))


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; a capture holds transforms_train.json, "
            "transforms_val.json and transforms_test.json"
        )
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InputError(f'{path}: has no list "frames" of objects')
    return content


def _read_frame(source: _Source, index: int, entry: Entry) -> Frame:
    where, folder = f"{source.path}: frame {index}", source.path.parent
    try:
        image, size = _picture(source, entry, "file_path")
        _check_size(image, size, entry)
        view = View(
            camera=source.camera(entry, size),
            image=image,
            mask=_side_picture(source, entry, "fg_mask_path", image, size),
            timestep=_timestep(entry),
            camera_id=sys.intern(str(entry.get("camera_id", entry.get("camera_index", 0)))),
            labels=_side_picture(source, entry, "region_path", image, size),
            sequence=_sequence(folder, entry),
        )
        return Frame(view, *_mesh(folder, entry))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{where}: {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _picture(source: _Source, entry: Entry, key: str) -> tuple[Path, Size]:
    """A picture that a frame names, and its size."""
    name = entry.get(key)
    if not isinstance(name, str) or not name:
        raise InputError(f'has no "{key}"')
    name = _with_suffix(name)
    picture = source.path.parent / name
    return picture, source.sizes.get(name) or picture_size(picture)


def _with_suffix(name: str) -> str:
    return name if os.path.splitext(name)[1] else f"{name}.png"


def _check_size(image: Path, size: Size, entry: Entry) -> None:
    """Width and height that the entry gives must be the picture's."""
    if "w" in entry and "h" in entry:
        written = number(entry, "w"), number(entry, "h")
        if written != size:
            raise InputError(f"{image} is {_by(size)} pixels, but the frame says {_by(written)}")


def _side_picture(source: _Source, entry: Entry, key: str, image: Path, size: Size) -> Path | None:
    """A picture that goes with another and has its size, where the frame names one."""
    if entry.get(key) is None:
        return None
    picture, found = _picture(source, entry, key)
    if found != size:
        raise InputError(f"{picture} is {_by(found)} pixels, but {image} is {_by(size)}")
    return picture


def _by(size: tuple[float, float]) -> str:
    return f"{size[0]:g}x{size[1]:g}"


def _sequence(folder: Path, entry: Entry) -> str | None:
    """What the frame says, or the folder beside the capture's own from which VHAP joined it in."""
    if "sequence" in entry:
        return sys.intern(str(entry["sequence"]))
    return _joined_in(folder, os.path.dirname(entry["file_path"]))


@lru_cache(maxsize=256)
def _joined_in(folder: Path, pictures: str) -> str | None:
    beside = (folder / pictures).parent
    return beside.name if beside.resolve() != folder.resolve() else None


def _timestep(entry: Entry) -> int:
    timestep = number(entry, "timestep_index")
    if timestep != int(timestep) or timestep < 0:
        raise InputError(f'"timestep_index" is {timestep:g}, not a number of a timestep')
    return int(timestep)


def _mesh(folder: Path, entry: Entry) -> tuple[str, Path]:
    for key in MESH_KEYS:
        if isinstance(entry.get(key), str):
            return key, folder / entry[key]
    raise InputError(f"has no tracking: neither {' nor '.join(MESH_KEYS)}")
