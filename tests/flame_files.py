"""Files in exactly FLAME's format: FLAME itself is not ours to ship (see flame_geometry.py)."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import python2_pickle
from flame_geometry import flame_arrays

from avatar.heads import flame_model as indices


def write_flame(folder: Path, seed: int = 0, kind: Literal["pkl", "npz"] = "pkl") -> Path:
    """A FLAME file; another seed is another mean head with other directions."""
    arrays: dict[str, Any] = flame_arrays(seed)
    path = folder / f"generic_model.{kind}"
    if kind == "npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(python2_pickle.dump(as_distributed(arrays)))
    return path


def as_distributed(arrays: dict[str, np.ndarray]) -> dict[str, object]:
    """The values of a FLAME pickle: chumpy's arrays and a sparse matrix among them."""
    chumpy = {key: python2_pickle.chumpy(arrays[key]) for key in ("v_template", "shapedirs", "J")}
    return {
        **arrays,
        **chumpy,
        "J_regressor": python2_pickle.sparse(arrays["J_regressor"]),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def write_masks(folder: Path) -> Path:
    """FLAME_masks.pkl with the names of the real one."""
    rest = flame_arrays()["v_template"]
    number, (x, y, z) = np.arange(len(rest)), rest.T
    skin = number < indices.LEFT_EYEBALL.start
    lips = np.concatenate([indices.LIP_OUTER_UPPER, indices.LIP_OUTER_LOWER, *indices.LIP_PAIRS])
    around_eyes = skin & (np.abs(y - 0.02) < 0.025) & (z > 0.06)
    masks = {
        "face": skin & (z > 0.03) & (y > -0.09),
        "neck": skin & (y < -0.07) & (z < 0.05),
        "scalp": skin & (y > 0.075),
        "boundary": skin & (y < -0.09),
        "right_eyeball": np.isin(number, indices.RIGHT_EYEBALL),
        "left_eyeball": np.isin(number, indices.LEFT_EYEBALL),
        "right_ear": skin & (x < -0.075),
        "left_ear": skin & (x > 0.075),
        "forehead": skin & (y > 0.05) & (z > 0.06),
        "eye_region": around_eyes,
        "nose": skin & (np.abs(x) < 0.015) & (np.abs(y) < 0.03) & (z > 0.095),
        "lips": np.isin(number, lips),
        "right_eye_region": around_eyes & (x < 0),
        "left_eye_region": around_eyes & (x > 0),
    }
    path = folder / "FLAME_masks.pkl"
    found = {name: np.flatnonzero(mask) for name, mask in masks.items()}
    path.write_bytes(python2_pickle.dump(found))
    return path
