"""Files in exactly FLAME's format: FLAME itself is not ours to ship (see flame_geometry.py)."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import python2_pickle
from flame_geometry import flame_arrays


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
