"""The motion that drives a head, written and read a few frames at a time: an .npz of any length."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.mesh import Mesh
from common.atomic import write_beside
from common.errors import InputError
from common.writable import plain_words

Frame = NDArray[np.float32]  # [V, 3]

KEYS = ("offsets", "rest", "faces", "fps", "head_pose", "topology")
CHUNK = 32  # frames that are read at a time


@dataclass(frozen=True)
class SavedMotion:
    """A motion file, all but its offsets read."""

    path: Path
    mesh: Mesh  # at rest
    topology: str
    fps: float
    head_pose: Tensor  # [F, 4, 4]


def open_motion(path: Path) -> SavedMotion:
    """Read and check what --save-motion of driving wrote.

    Raises FileNotFoundError, or InputError that names the file and what it lacks.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: is no motion file; save one with --save-motion")
    try:
        with np.load(path, allow_pickle=False) as data:
            if missing := [key for key in KEYS if key not in data.files]:
                raise InputError(f"it lacks {missing[0]!r}")
            rest, faces, fps, pose = (data[key] for key in ("rest", "faces", "fps", "head_pose"))
            topology = str(data["topology"])
        shape = _offsets_shape(path)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: is no motion file ({error}); save one with --save-motion"
        ) from None
    if shape[1:] != rest.shape or pose.shape != (shape[0], 4, 4) or rest.shape[1:] != (3,):
        raise InputError(
            f"{path}: its offsets {shape}, head poses {pose.shape} and rest mesh {rest.shape} do "
            "not belong together; save it again with --save-motion"
        )
    mesh = Mesh(torch.from_numpy(rest).float(), torch.from_numpy(faces).long())
    return SavedMotion(path, mesh, topology, float(fps), torch.from_numpy(pose).float())


def motion_chunks(motion: SavedMotion) -> Iterator[Tensor]:
    """Offsets [f, V, 3] of all frames in turn, in metres, in bounded memory.

    Raises InputError where the file is cut short.
    """
    frames, vertices = len(motion.head_pose), len(motion.mesh.vertices)
    with zipfile.ZipFile(motion.path) as archive, archive.open("offsets.npy") as member:
        _, dtype = _header(member)
        for start in range(0, frames, CHUNK):
            count = min(CHUNK, frames - start)
            data = member.read(count * vertices * 3 * dtype.itemsize)
            if len(data) < count * vertices * 3 * dtype.itemsize:
                raise InputError(f"{motion.path}: is cut short; save it again")
            chunk = np.frombuffer(data, dtype).reshape(count, vertices, 3)
            yield torch.from_numpy(chunk.astype(np.float32))


def _offsets_shape(path: Path) -> tuple[int, ...]:
    with zipfile.ZipFile(path) as archive, archive.open("offsets.npy") as member:
        return _header(member)[0]


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array that follows."""
    version = np.lib.format.read_magic(member)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, by_columns, dtype = read(member)
    if by_columns or dtype.kind != "f" or len(shape) != 3:
        raise InputError("not rows of numbers")
    return shape, dtype


@contextmanager
def motion_writer(
    path: Path, frames: int, vertices: int, arrays: Mapping[str, NDArray]
) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends the offsets [V, 3] of one frame, in metres.

    The file holds `arrays` and `offsets` [F, V, 3] float32 and appears only once all `frames` are
    written, so that memory does not grow with the recording.
    """
    written = 0

    def append(frame: Frame) -> None:
        nonlocal written
        assert frame.shape == (vertices, 3), frame.shape
        with plain_words(path):
            member.write(np.ascontiguousarray(frame, dtype="<f4").tobytes())
        written += 1

    with write_beside(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            buffer = BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
            archive.writestr(f"{name}.npy", buffer.getvalue())
        with archive.open("offsets.npy", "w", force_zip64=True) as member:
            shape = (frames, vertices, 3)
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            yield append
        assert written == frames, (written, frames)
