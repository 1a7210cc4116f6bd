"""FLAME's parameters as VHAP tracks and GaussianAvatars stores them: .npz of named arrays.

shape [300]; expr [T, 100]; rotation, neck_pose, jaw_pose, translation [T, 3]; eyes_pose [T, 6];
static_offset [1, V, 3] and dynamic_offset [T, V, 3], either of which may be missing; float32 or
float64. A canonical_flame_param.npz is the same with T = 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avatar.heads.flame_model import EXPRESSIONS, SHAPES, TEETH_VERTICES, VERTICES, FlameParameters
from common.arrays import Arrays, pick, read_arrays, write_arrays
from common.errors import InputError

MOVING = {
    "expression": ("expr", EXPRESSIONS),
    "rotation": ("rotation", 3),
    "neck": ("neck_pose", 3),
    "jaw": ("jaw_pose", 3),
    "eyes": ("eyes_pose", 6),
    "translation": ("translation", 3),
}
"""Field → name in the file, numbers a frame."""


def read_flame_parameters(path: Path) -> FlameParameters:
    """A sequence of T frames from one .npz, or from a folder of .npz files in their order.

    shape is [300] and static_offset [V, 3]: those of the first file. Fewer shape or expression
    coefficients are those of the first directions. Raises FileNotFoundError, or InputError that
    names the file and the array.
    """
    if path.is_dir():
        files = sorted(path.glob("*.npz"))
        if not files:
            raise FileNotFoundError(f"{path}: holds no .npz of FLAME parameters")
        return _joined([_read(file) for file in files])
    return _read(path)


def write_flame_parameters(path: Path, parameters: FlameParameters, vertices: int) -> None:
    """Write a sequence as GaussianAvatars' flame_param.npz: all arrays, float32."""
    p = parameters
    moving = {name: getattr(p, field) for field, (name, _) in MOVING.items()}
    zeros = torch.zeros(vertices, 3)
    frames = len(p.expression)
    dynamic = zeros.expand(frames, -1, -1) if p.dynamic_offset is None else p.dynamic_offset
    tensors = {
        "shape": p.shape,
        **moving,
        "static_offset": (zeros if p.static_offset is None else p.static_offset)[None],
        "dynamic_offset": dynamic,
    }
    write_arrays(path, {n: t.detach().cpu().float().numpy() for n, t in tensors.items()})


def frame_parameters(parameters: FlameParameters, row: int) -> FlameParameters:
    """One frame of a sequence, as a sequence of one."""
    moving = {field: getattr(parameters, field)[row : row + 1] for field in MOVING}
    dynamic = parameters.dynamic_offset
    return replace(
        parameters, **moving, dynamic_offset=None if dynamic is None else dynamic[row : row + 1]
    )


def with_vertices(parameters: FlameParameters, vertices: int) -> FlameParameters:
    """The same with offsets for so many vertices: teeth that were not tracked stay in place."""

    def fit(offset: Tensor | None) -> Tensor | None:
        if offset is None:
            return None
        return functional.pad(offset, (0, 0, 0, vertices - offset.shape[-2]))

    return replace(
        parameters,
        static_offset=fit(parameters.static_offset),
        dynamic_offset=fit(parameters.dynamic_offset),
    )


def _read(path: Path) -> FlameParameters:
    arrays = read_arrays(path)
    moving = {
        field: _rows(path, arrays, name, size, fewer=field == "expression")
        for field, (name, size) in MOVING.items()
    }
    lengths = {MOVING[field][0]: len(rows) for field, rows in moving.items()}
    dynamic = _offset(path, arrays, "dynamic_offset")
    lengths |= {} if dynamic is None else {"dynamic_offset": len(dynamic)}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError(f"{path}: its arrays have different numbers of frames ({counts})")
    static = _offset(path, arrays, "static_offset")
    return FlameParameters(
        shape=_rows(path, arrays, "shape", SHAPES, fewer=True)[0],
        **moving,
        static_offset=None if static is None else static[0],
        dynamic_offset=dynamic,
    )


def _rows(path: Path, arrays: Arrays, name: str, size: int, fewer: bool) -> Tensor:
    """[T, size] of an array [T, size] or [size]; the first columns where fewer are allowed."""
    rows = np.atleast_2d(_numbers(path, arrays, name))
    if rows.ndim != 2 or rows.shape[1] > size or (rows.shape[1] < size and not fewer):
        raise InputError(
            f"{path}: {name!r} has the shape {list(rows.shape)}, but FLAME takes {size} numbers "
            "for each frame"
        )
    return torch.from_numpy(np.pad(rows, ((0, 0), (0, size - rows.shape[1]))).astype(np.float32))


def _offset(path: Path, arrays: Arrays, name: str) -> Tensor | None:
    """[T, V, 3], or None where the file has none."""
    if name not in arrays:
        return None
    offset = _numbers(path, arrays, name)
    offset = offset[None] if offset.ndim == 2 else offset
    known = (VERTICES, VERTICES + TEETH_VERTICES)
    if offset.ndim != 3 or offset.shape[1] not in known or offset.shape[2] != 3:
        raise InputError(
            f"{path}: {name!r} has the shape {list(offset.shape)}, but FLAME has {known[0]} "
            f"vertices, or {known[1]} with teeth"
        )
    return torch.from_numpy(offset.astype(np.float32))


def _numbers(path: Path, arrays: Arrays, name: str) -> np.ndarray:
    array = pick(path, arrays, name)
    if array.dtype.kind not in "fiu" or array.ndim == 0 or not len(array):
        raise InputError(f"{path}: {name!r} holds no numbers")
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name!r} holds numbers that are not finite")
    return array


def _joined(parts: Sequence[FlameParameters]) -> FlameParameters:
    moving = {field: torch.cat([getattr(part, field) for part in parts]) for field in MOVING}
    dynamic = [part.dynamic_offset for part in parts]
    joined = torch.cat([d for d in dynamic if d is not None]) if None not in dynamic else None
    return replace(parts[0], **moving, dynamic_offset=joined)


def still(shape: Tensor, static_offset: Tensor | None, frames: int = 1) -> FlameParameters:
    """A sequence of a person who does not move."""
    zeros: Mapping[str, Tensor] = {
        field: torch.zeros(frames, size) for field, (_, size) in MOVING.items()
    }
    return FlameParameters(shape=shape, static_offset=static_offset, **zeros)
