"""The motion that drives a head, written and read a few frames at a time: an .npz of any length."""

import math
import zipfile
import zlib
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

from avatar.geometry.triangle_mesh import Mesh
from avatar.rigging.avatar import check_mesh, check_template
from common.arrays import Arrays, pick, pick_faces, pick_floats, pick_number, read_arrays
from common.atomic import write_beside
from common.errors import InputError, check_file
from common.writable import plain_words

Frame = NDArray[np.float32]  # [..., V, 3]

CHUNK, CHUNK_BYTES = 32, 2**24  # most frames, and about the most memory, that are read at a time
FASTEST = 1000.0  # frames a second


@dataclass(frozen=True)
class SavedMotion:
    """A motion file, all but its offsets; lengths are in the mesh's own unit."""

    path: Path
    mesh: Mesh  # at rest, in its own space
    topology: str
    fps: float
    head_pose: Tensor  # [F, 4, 4] rigid motions of the head in the mesh's own space
    template: Tensor | None = None  # [S, 3] anny-head's vertices fitted to the mesh, where known


def open_motion(path: Path) -> SavedMotion:
    """Read and check what --save-motion of driving wrote; head poses and template may lack.

    Raises FileNotFoundError, or InputError that names the file and what is wrong.
    """
    check_file(path)
    try:
        arrays = read_arrays(path, leave="offsets")
        frames, vertices = _offsets_size(path)
    except Exception as error:  # a damaged archive may raise anything
        why = str(error).removeprefix(f"{path}: ")
        raise InputError(
            f"{path}: is no motion file ({why}); save one with --save-motion"
        ) from None
    rest = torch.from_numpy(pick_floats(path, arrays, "rest", (3,)))
    mesh = Mesh(rest, torch.from_numpy(pick_faces(path, arrays, len(rest))))
    pose = optional_floats(path, arrays, "head_pose", (4, 4))
    pose = torch.eye(4).expand(frames, 4, 4) if pose is None else pose
    if vertices != len(rest) or len(pose) != frames:
        raise InputError(
            f"{path}: its offsets [{frames}, {vertices}, 3], head poses {list(pose.shape)} and "
            f"rest mesh {list(rest.shape)} do not belong together; save it again"
        )
    template = optional_floats(path, arrays, "template", (3,))
    check_template(path, template)
    topology = str(pick(path, arrays, "topology"))
    check_mesh(path, topology, mesh.vertices, mesh.faces)
    rate = pick_number(path, arrays, "fps")
    if not 0 < rate <= FASTEST:
        raise InputError(f"{path}: 'fps' is {rate}, not a number of frames a second; save it again")
    return SavedMotion(path, mesh, topology, rate, pose, template)


def motion_chunks(motion: SavedMotion) -> Iterator[Tensor]:
    """Offsets [f, V, 3] of all frames in turn, in bounded memory.

    Raises InputError where the file is damaged or a number is not finite.
    """
    frames, vertices = len(motion.head_pose), len(motion.mesh.vertices)
    count = max(1, min(CHUNK, CHUNK_BYTES // (12 * vertices)))
    with zipfile.ZipFile(motion.path) as archive, archive.open("offsets.npy") as member:
        _, dtype = _header(member)
        for start in range(0, frames, count):
            stop = min(start + count, frames)
            size = (stop - start) * vertices * 3 * dtype.itemsize
            try:
                chunk = np.frombuffer(member.read(size), dtype).reshape(-1, vertices, 3)
            except (zipfile.BadZipFile, zlib.error, EOFError, ValueError):
                raise InputError(f"{motion.path}: is damaged; save it again") from None
            with np.errstate(over="ignore"):
                chunk = chunk.astype(np.float32)
            if len(chunk) < stop - start or not np.isfinite(chunk).all():
                raise InputError(
                    f"{motion.path}: its offsets are cut short or not finite between the frames "
                    f"{start} and {stop - 1}; save it again"
                )
            yield torch.from_numpy(chunk)


def _offsets_size(path: Path) -> tuple[int, int]:
    """How many frames and vertices the offsets have; ValueError where they are none."""
    with zipfile.ZipFile(path) as archive, archive.open("offsets.npy") as member:
        shape, dtype = _header(member)
        held = archive.getinfo("offsets.npy").file_size - member.tell()
    if len(shape) != 3 or shape[2] != 3 or min(shape) < 1:
        raise ValueError(f"its offsets have the shape {list(shape)}, not [*, *, 3]")
    if held != math.prod(shape) * dtype.itemsize:
        raise ValueError("its offsets are cut short")
    return shape[0], shape[1]


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array that follows."""
    if np.lib.format.read_magic(member) != (1, 0):
        raise ValueError("its offsets are of another version of NumPy's files")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(member)
    if by_columns or dtype.kind != "f":
        raise ValueError("its offsets are not rows of numbers")
    return shape, dtype


def optional_floats(
    path: Path, arrays: Arrays, name: str, last: tuple[int, ...] = ()
) -> Tensor | None:
    """What `pick_floats` gives; None where the file has no such array."""
    return torch.from_numpy(pick_floats(path, arrays, name, last)) if name in arrays else None


@contextmanager
def motion_writer(
    motion: SavedMotion, regions: Mapping[str, Tensor], labels: Arrays | None = None
) -> Iterator[Callable[[Frame], None]]:
    """Yield a function that appends the offsets [..., V, 3] of frames, in the mesh's own unit.

    regions: indices of vertices by name, labels: further arrays, for whoever reads the file. It
    appears only once all frames are written, so that memory does not grow with the recording.
    """
    size, written = (len(motion.head_pose), len(motion.mesh.vertices), 3), 0

    def append(frames: Frame) -> None:
        nonlocal written
        assert frames.shape[-2:] == size[1:], frames.shape
        with plain_words(motion.path):
            member.write(np.ascontiguousarray(frames, dtype="<f4").tobytes())
        written += math.prod(frames.shape[:-2])

    # entries without the time of writing: equal motion, equal bytes
    with write_beside(motion.path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in {**_arrays(motion, regions), **(labels or {})}.items():
            buffer = BytesIO()
            np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue())
        with archive.open(zipfile.ZipInfo("offsets.npy"), "w", force_zip64=True) as member:
            header = {"descr": "<f4", "fortran_order": False, "shape": size}
            np.lib.format.write_array_header_1_0(member, header)
            yield append
        assert written == size[0], (written, size)


def _arrays(motion: SavedMotion, regions: Mapping[str, Tensor]) -> dict[str, NDArray]:
    """What a file holds besides offsets."""
    tensors = {
        "rest": motion.mesh.vertices,
        "faces": motion.mesh.faces,
        "head_pose": motion.head_pose,
        **({} if motion.template is None else {"template": motion.template}),
        **{f"region_{name}": index for name, index in regions.items()},
    }
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    return {**arrays, "fps": np.array(motion.fps), "topology": np.array(motion.topology)}
