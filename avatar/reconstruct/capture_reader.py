"""A capture's folder → cameras, tracked meshes and paths of pictures.

The layout is the one that GaussianAvatars reads and VHAP writes: transforms_train.json,
transforms_val.json, transforms_test.json; canonical_flame_param.npz and FLAME parameters for every
timestep. For heads other than FLAME: canonical_mesh.npz and vertices for every timestep.

Pictures are read ahead by threads in any order, as PNG and JPEG decoders release the GIL, and kept
while memory allows.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

from avatar.reconstruct.capture import SPLITS, Capture, View, read_flame_meshes, read_vertex_meshes
from avatar.reconstruct.capture_pictures import Picture, read_picture
from avatar.reconstruct.capture_transforms import Frame, read_transforms
from avatar.rigging.avatar import Avatar
from common.errors import InputError
from common.parallel import in_order
from common.threads import thread_count

Frames = Mapping[str, tuple[Frame, ...]]  # by the names of SPLITS


def open_capture(folder: Path, flame: Path | None = None) -> Capture:
    """Read and check all of a capture but the pixels.

    flame: the user's FLAME file, needed where the capture holds FLAME parameters.
    Raises FileNotFoundError or InputError: one sentence that names the file and the broken rule.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder; give the folder of a capture")
    frames = {split: read_transforms(_transforms(folder, split)) for split in SPLITS}
    if not frames["train"]:
        raise InputError(f"{_transforms(folder, 'train')}: has no frames to learn from")
    _check_duplicates(folder, frames)
    key, paths = _mesh_of_each_timestep(folder, frames)
    files = tuple(paths.values())
    if key == "vertices_path":
        tracked = read_vertex_meshes(folder, files)
    else:
        tracked = read_flame_meshes(folder, files, flame)
    rows = {timestep: row for row, timestep in enumerate(paths)}
    _check_in_front(folder, frames, rows, tracked.vertices.mean(1))
    splits = {
        split: tuple(replace(f.view, timestep=rows[f.view.timestep]) for f in some)
        for split, some in frames.items()
    }
    return replace(tracked, splits=splits)


def split_views(capture: Capture, split: str, folder: Path) -> tuple[View, ...]:
    """The views of a split. Raises InputError where there are none; `folder` is for the message."""
    views = capture.splits.get(split, ())
    if not views:
        filled = ", ".join(name for name, some in capture.splits.items() if some)
        raise InputError(f"{_transforms(folder, split)}: has no frames; use {filled}")
    return views


def check_same_mesh(avatar_path: Path, avatar: Avatar, folder: Path, capture: Capture) -> None:
    """Raise InputError where the meshes of a capture cannot move an avatar."""
    if avatar.topology != capture.topology or not torch.equal(avatar.faces, capture.faces):
        ours, theirs = (f"{x.topology} ({len(x.faces)} triangles)" for x in (avatar, capture))
        raise InputError(
            f"{avatar_path} rides on a mesh of topology {ours}, but {folder} was tracked with "
            f"{theirs}; use an avatar and a capture of the same mesh"
        )


def _transforms(folder: Path, split: str) -> Path:
    return folder / f"transforms_{split}.json"


def _each(folder: Path, frames: Frames) -> Iterator[tuple[str, Frame]]:
    """Every frame after the words that say where it stands."""
    for split, some in frames.items():
        path = str(_transforms(folder, split))
        for index, frame in enumerate(some):
            yield f"{path}: frame {index}", frame


def _check_duplicates(folder: Path, frames: Frames) -> None:
    """No camera sees a timestep twice, or what is held out would not be."""
    seen: dict[tuple[int, str], str] = {}
    for where, frame in _each(folder, frames):
        view = frame.view
        first = seen.setdefault((view.timestep, view.camera_id), where)
        if first is not where:
            raise InputError(
                f"{where}: camera {view.camera_id} at timestep {view.timestep} is there twice, "
                f"first as {first}"
            )


def _mesh_of_each_timestep(folder: Path, frames: Frames) -> tuple[str, dict[int, Path]]:
    """The kind of tracking, and its file for every timestep in ascending order."""
    found: dict[int, Path] = {}
    kind = frames["train"][0].mesh_key
    for where, frame in _each(folder, frames):
        if frame.mesh_key != kind:
            raise InputError(f"{where}: has {frame.mesh_key} where the first frame has {kind}")
        first = found.setdefault(frame.view.timestep, frame.mesh)
        if first != frame.mesh:
            raise InputError(
                f"{where}: timestep {frame.view.timestep} has two meshes: {frame.mesh.name} here, "
                f"{first.name} in another frame"
            )
    return kind, dict(sorted(found.items()))


def _check_in_front(folder: Path, frames: Frames, rows: Mapping[int, int], centres: Tensor) -> None:
    """Every camera looks towards the centre [T, 3] of its timestep's mesh: else its axes are not
    OpenGL's, or cameras and meshes do not share a world."""
    for where, frame in _each(folder, frames):
        x, y, z, shift = frame.view.camera.viewmat[2].tolist()  # depth of a point in the world
        cx, cy, cz = centres[rows[frame.view.timestep]].tolist()
        if x * cx + y * cy + z * cz + shift <= 0:
            raise InputError(
                f"{where}: the tracked head is behind the camera; transform_matrix must go from "
                "camera to world with OpenGL's axes (x right, y up, z back)"
            )


READERS = 2  # threads at most
AHEAD = 16  # pictures that are read before they are asked for


def shuffled(views: Sequence[View], seed: int, start: int = 0) -> Iterator[View]:
    """Views without end, every one once in each pass; each pass has an order of its own.

    The same seed gives the same order; `start` views are left out, so that a run goes on where it
    stopped.
    """
    assert views
    turn, position = divmod(start, len(views))
    while True:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + turn)
        order = torch.randperm(len(views), generator=generator).tolist()
        yield from (views[index] for index in order[position:])
        turn, position = turn + 1, 0


def keeping_reader(budget: int) -> Callable[[View], Picture]:
    """`read_picture` that keeps what it read until `budget` bytes are full.

    The first pictures stay: where every pass reads all of them in another order, that saves more
    than keeping the latest.
    """
    kept: dict[Path, Picture] = {}
    left, lock = budget, Lock()

    def read(view: View) -> Picture:
        nonlocal left
        if view.image in kept:
            return kept[view.image]
        picture = read_picture(view)
        size = picture.color.nbytes + picture.mask.nbytes
        with lock:
            if size <= left and view.image not in kept:
                kept[view.image] = picture
                left -= size
        return picture

    return read


def stream_pictures(
    views: Iterable[View],
    read: Callable[[View], Picture] = read_picture,
    workers: int | None = None,
) -> Generator[tuple[View, Picture], None, None]:
    """Each view with its picture, in the order given, which may have no end.

    By default two threads read, or one where only one computes. A picture that cannot be read
    raises where its turn comes. The threads end with the iterator: when it is exhausted, closed or
    dropped, by an error or Ctrl-C as well.
    """

    def with_picture(view: View) -> tuple[View, Picture]:
        return view, read(view)

    return in_order(with_picture, views, workers or min(READERS, thread_count()), AHEAD)
