"""One transforms file, in the form that GaussianAvatars and VHAP write, → frames.

The file is JSON: a list "frames", and entries beside it that hold for every frame. Paths in it are
relative to its folder.
"""

import json
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar.capture.cameras import Entry, number, read_camera
from avatar.capture.capture import View
from avatar.capture.pictures import picture_size
from common.errors import InputError

MESH_KEYS = ("flame_param_path", "vertices_path")
"""Where a frame may name the tracking of its moment."""


@dataclass(frozen=True)
class Frame:
    """One entry: a view whose timestep is the file's own number, and the mesh of its moment."""

    view: View
    mesh_key: str  # one of MESH_KEYS
    mesh: Path


def read_transforms(path: Path) -> tuple[Frame, ...]:
    """All frames of a file; that their pictures exist and fit is checked by their headers.

    Raises FileNotFoundError or InputError that names the file, the frame and the broken rule.
    """
    content = _read_json(path)
    shared = {key: value for key, value in content.items() if key != "frames"}
    return tuple(
        _read_frame(path, index, ChainMap(entry, shared))
        for index, entry in enumerate(content["frames"])
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file; a capture holds transforms_train.json, "
            "transforms_val.json and transforms_test.json"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is not a JSON file ({error})") from None
    frames = content.get("frames") if isinstance(content, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InputError(f'{path}: has no list "frames" of objects')
    return content


def _read_frame(path: Path, index: int, entry: Entry) -> Frame:
    where = f"{path}: frame {index}"
    try:
        image = _picture_path(path, entry, "file_path")
        size = _size(image, entry)
        view = View(
            camera=read_camera(entry, size),
            image=image,
            mask=_side_picture(path, entry, "fg_mask_path", image, size),
            timestep=_timestep(entry),
            camera_id=str(entry.get("camera_id", entry.get("camera_index", 0))),
            labels=_side_picture(path, entry, "region_path", image, size),
            sequence=_sequence(path, entry, image),
        )
        return Frame(view, *_mesh(path, entry))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{where}: {error}") from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _picture_path(path: Path, entry: Entry, key: str) -> Path:
    name = entry.get(key)
    if not isinstance(name, str) or not name:
        raise InputError(f'has no "{key}"')
    picture = path.parent / name
    return picture if picture.suffix else picture.with_name(picture.name + ".png")


def _size(image: Path, entry: Entry) -> tuple[int, int]:
    """Width and height of a picture; those that the entry gives must be the same."""
    size = picture_size(image)
    if "w" in entry and "h" in entry:
        written = number(entry, "w"), number(entry, "h")
        if written != size:
            raise InputError(f"{image} is {_by(size)} pixels, but the frame says {_by(written)}")
    return size


def _side_picture(
    path: Path, entry: Entry, key: str, image: Path, size: tuple[int, int]
) -> Path | None:
    """A picture that goes with another and has its size, where the frame names one."""
    if entry.get(key) is None:
        return None
    picture = _picture_path(path, entry, key)
    found = picture_size(picture)
    if found != size:
        raise InputError(f"{picture} is {_by(found)} pixels, but {image} is {_by(size)}")
    return picture


def _by(size: tuple[float, float]) -> str:
    return f"{size[0]:g}x{size[1]:g}"


def _sequence(path: Path, entry: Entry, image: Path) -> str | None:
    """What the frame says, or the folder beside the capture's own from which VHAP joined it in."""
    if "sequence" in entry:
        return str(entry["sequence"])
    folder = image.parent.parent
    return folder.name if folder.resolve() != path.parent.resolve() else None


def _timestep(entry: Entry) -> int:
    timestep = number(entry, "timestep_index")
    if timestep != int(timestep) or timestep < 0:
        raise InputError(f'"timestep_index" is {timestep:g}, not a number of a moment')
    return int(timestep)


def _mesh(path: Path, entry: Entry) -> tuple[str, Path]:
    for key in MESH_KEYS:
        if isinstance(entry.get(key), str):
            return key, path.parent / entry[key]
    raise InputError(f"has no tracking: neither {' nor '.join(MESH_KEYS)}")
