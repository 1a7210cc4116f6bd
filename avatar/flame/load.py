"""Read FLAME's files: 2020, 2023 and 2023 Open, as .pkl or .npz, without running what is inside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avatar.flame.indices import EXPRESSIONS, FACES, PARENTS, POSES, SHAPES, VERTICES
from avatar.flame.model import FlameModel
from common.arrays import read_arrays
from common.errors import InputError, check_file
from common.restricted_pickle import read_pickle

ADVICE = "use FLAME's own generic_model.pkl or flame2023.pkl from flame.is.tue.mpg.de"
_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (VERTICES, 3),
    "f": (FACES, 3),
    "shapedirs": (VERTICES, 3, SHAPES + EXPRESSIONS),
    "posedirs": (VERTICES, 3, POSES),
    "J_regressor": (len(PARENTS), VERTICES),
    "kintree_table": (2, len(PARENTS)),
    "weights": (VERTICES, len(PARENTS)),
}


def load_flame(path: Path) -> FlameModel:
    """A FLAME file as float32 tensors.

    Raises FileNotFoundError where there is none, InputError that names the array that is missing
    or is not FLAME's.
    """
    arrays = _read(Path(path))
    checked = {name: _checked(path, arrays, name) for name in _SHAPES}
    parents = checked["kintree_table"][0, 1:].astype(np.int64)
    if tuple(parents) != PARENTS[1:]:
        raise InputError(f"{path}: 'kintree_table' is not FLAME's tree of five joints; {ADVICE}")
    faces = checked["f"].astype(np.int64)
    if faces.min() < 0 or faces.max() >= VERTICES:
        raise InputError(f"{path}: 'f' names vertices that FLAME does not have; {ADVICE}")
    directions = _tensor(checked["shapedirs"])
    return FlameModel(
        template=_tensor(checked["v_template"]),
        faces=torch.from_numpy(faces),
        shape_directions=directions[..., :SHAPES].clone(),
        expression_directions=directions[..., SHAPES:].clone(),
        pose_directions=_tensor(checked["posedirs"]),
        joint_regressor=_tensor(checked["J_regressor"]),
        weights=_tensor(checked["weights"]),
    )


def _read(path: Path) -> Mapping[str, Any]:
    check_file(path, advice=ADVICE)
    arrays = read_arrays(path) if path.suffix == ".npz" else read_pickle(path)
    if not isinstance(arrays, dict):
        raise InputError(f"{path}: holds no arrays by name, so it is no FLAME model; {ADVICE}")
    return arrays


def _checked(path: Path, arrays: Mapping[str, Any], name: str) -> np.ndarray:
    array, shape = arrays.get(name), _SHAPES[name]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError(f"{path}: holds no array of numbers {name!r}; {ADVICE}")
    if array.shape != shape:
        raise InputError(
            f"{path}: {name!r} has shape {list(array.shape)} where FLAME's has {list(shape)}; "
            f"{ADVICE}"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name!r} holds values that are no numbers; {ADVICE}")
    return array


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
