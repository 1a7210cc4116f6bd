"""Named arrays in an .npz: written whole, read with checks; nothing in one is ever executed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from common.atomic import write_beside
from common.errors import InputError, check_file

Arrays = Mapping[str, NDArray]
MOST = 8 << 30  # bytes that what is read of a file may take


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write a compressed file; it appears whole or not at all."""
    with write_beside(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType] names vary


def read_arrays(path: Path, leave: str = "") -> dict[str, NDArray]:
    """Every array of a file, but for the one to leave. Raises FileNotFoundError or InputError that
    names the file."""
    with _opened(path) as file:
        assert file.zip is not None
        sizes = {m.filename.removesuffix(".npy"): m.file_size for m in file.zip.infolist()}
        if (size := sum(sizes.values()) - sizes.get(leave, 0)) > MOST:
            raise InputError(f"they take {size >> 20:,} MiB, more than {MOST >> 20:,}")
        return {name: file[name] for name in file.files if name != leave}


def array_names(path: Path) -> frozenset[str]:
    """The names of the arrays of a file. Raises as `read_arrays` does."""
    with _opened(path) as file:
        return frozenset(file.files)


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    check_file(path)
    try:
        if not is_zipfile(path):  # numpy would advise to run it
            raise InputError("it is no zip archive")
        with np.load(path, allow_pickle=False) as file:
            yield file
    except Exception as error:  # a damaged archive may raise anything
        raise InputError(
            f"{path}: is not a readable .npz of plain arrays ({error}); write it again with "
            "numpy.savez"
        ) from None


def pick(path: Path, arrays: Arrays, name: str) -> NDArray:
    """One array by its name. Raises InputError where the file has none."""
    if name not in arrays:
        found = ", ".join(arrays) or "nothing"
        raise InputError(f"{path}: has no array {name!r} (found {found}); write it again with it")
    return arrays[name]


def pick_floats(path: Path, arrays: Arrays, name: str, last: tuple[int, ...] = ()) -> NDArray:
    """One array [*, ...last] as float32, without the leading 1 of a batch of one frame.

    Raises InputError where it is missing, of another shape, or not finite.
    """
    array = pick(path, arrays, name)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: {name!r} holds {array.dtype}, not numbers")
    if array.ndim == len(last) + 2:
        if len(array) != 1:
            raise InputError(f"{path}: {name!r} holds {len(array)} frames; one file holds one")
        array = array[0]
    if array.ndim != len(last) + 1 or array.shape[1:] != last:
        raise InputError(f"{path}: {name!r} has the shape {list(array.shape)}, not {_shape(last)}")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name!r} holds numbers that are not finite")
    return array


def pick_number(path: Path, arrays: Arrays, name: str) -> float:
    """One finite number. Raises InputError where it is missing or anything else."""
    array = pick(path, arrays, name)
    if array.dtype.kind not in "fiu" or array.size != 1 or not np.isfinite(array).all():
        raise InputError(f"{path}: {name!r} is {array}, not a number; write it again")
    return float(array.item())


def pick_faces(path: Path, arrays: Arrays, vertices: int) -> NDArray:
    """`faces` [M, 3] int64. Raises InputError where it names other vertices than there are."""
    faces = pick(path, arrays, "faces")
    if faces.dtype.kind not in "iu":
        raise InputError(f"{path}: 'faces' holds {faces.dtype}, not indices of vertices")
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
        raise InputError(f"{path}: 'faces' has the shape {list(faces.shape)}, not {_shape((3,))}")
    if faces.min() < 0 or faces.max() >= vertices:
        raise InputError(f"{path}: 'faces' names a vertex that the {vertices} of the mesh lack")
    return faces.astype(np.int64)


def _shape(last: tuple[int, ...]) -> str:
    return f"[{', '.join(('*', *map(str, last)))}]"
