"""Arrays by name, checked."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio2mesh.arrays import Arrays


def pick(path: Path, arrays: Arrays, name: str) -> NDArray:
    """One array by its name. Raises ValueError where the file has none."""
    if name not in arrays:
        found = ", ".join(arrays) or "nothing"
        raise ValueError(f"{path}: has no array {name!r} (found {found}); write it again with it")
    return arrays[name]


def pick_floats(path: Path, arrays: Arrays, name: str, last: tuple[int, ...] = ()) -> Tensor:
    """One array [*, ...last] as float32, without the leading 1 of a batch of one moment.

    Raises ValueError where it is missing, of another shape, or not finite.
    """
    array = pick(path, arrays, name)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{path}: {name!r} holds {array.dtype}, not numbers")
    if array.ndim == len(last) + 2:
        if len(array) != 1:
            raise ValueError(f"{path}: {name!r} holds {len(array)} moments; one file holds one")
        array = array[0]
    if array.ndim != len(last) + 1 or array.shape[1:] != last:
        raise ValueError(f"{path}: {name!r} has the shape {list(array.shape)}, not {_shape(last)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{path}: {name!r} holds numbers that are not finite")
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def pick_faces(path: Path, arrays: Arrays, vertices: int) -> Tensor:
    """`faces` [M, 3] int64. Raises ValueError where it names other vertices than there are."""
    faces = pick(path, arrays, "faces")
    if faces.dtype.kind not in "iu":
        raise ValueError(f"{path}: 'faces' holds {faces.dtype}, not indices of vertices")
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
        raise ValueError(f"{path}: 'faces' has the shape {list(faces.shape)}, not {_shape((3,))}")
    if faces.min() < 0 or faces.max() >= vertices:
        raise ValueError(f"{path}: 'faces' names a vertex that the {vertices} of the mesh lack")
    return torch.from_numpy(faces.astype(np.int64))


def _shape(last: tuple[int, ...]) -> str:
    return f"[{', '.join(('*', *map(str, last)))}]"
