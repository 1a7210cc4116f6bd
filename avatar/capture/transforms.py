"""One transforms file, in the form that GaussianAvatars and VHAP write, → frames.

The file is JSON: a list "frames", and entries beside it that hold for every frame. Paths in it are
relative to its folder.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from avatar.capture.cameras import Entry, camera_reader, number
from avatar.capture.capture import View
from avatar.capture.picture_sizes import Size, picture_sizes
from avatar.capture.pictures import picture_size
from common.errors import InputError
from common.json_files import read_json
from splat import Camera

PICTURES = ("file_path", "fg_mask_path", "region_path")
SKIES = (".hdr", ".pic", ".exr")
"""Endings of a frame's light that name a file."""
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
    camera_of: Callable[[Entry, Size], Camera]


def read_transforms(path: Path) -> tuple[Frame, ...]:
    """All frames of a file; that their pictures exist and fit is checked by their headers.

    Raises FileNotFoundError or InputError that names the file, the frame and the broken rule.
    """
    content = _read_json(path)
    shared = {key: value for key, value in content.items() if key != "frames"}
    entries = content["frames"]
    source = _Source(path, picture_sizes(path, _names(entries, shared)), camera_reader())
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
            camera=source.camera_of(entry, size),
            image=image,
            mask=_side_picture(source, entry, "fg_mask_path", image, size),
            timestep=_timestep(entry),
            camera_id=sys.intern(str(entry.get("camera_id", entry.get("camera_index", 0)))),
            labels=_side_picture(source, entry, "region_path", image, size),
            sequence=_sequence(folder, entry),
            light=_light(folder, entry),
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


def _light(folder: Path, entry: Entry) -> str | None:
    """The light in words, or the path of its picture."""
    said = entry.get("light")
    if said is None:
        return None
    if not isinstance(said, str) or not said:
        raise InputError(f'"light" is {said!r}, neither words nor the name of a file')
    return sys.intern(str(folder / said) if Path(said).suffix.lower() in SKIES else said)


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
