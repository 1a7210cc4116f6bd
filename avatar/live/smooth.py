"""Going over from one thing shown to another."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating]


def eased(shares: NDArray[np.floating]) -> NDArray[np.floating]:
    """From 0 to 1 with zero slope at both ends."""
    t = np.clip(shares, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def crossed(
    before: Rows, rows: Rows, times: Rows, seconds: float, columns: slice, pose: int = 0
) -> Rows:
    """Rows [f, C] whose columns leave the row `before` [C] within so many seconds.

    times [f]: of the rows, in seconds from where they begin; pose: how many columns at the end are
    a quaternion xyzw and a shift, which takes the shorter way.
    """
    share = eased(times / seconds)[:, None]
    start = np.array(before, np.float64)
    found = np.array(rows, np.float64)
    if pose and len(found) and start[-pose : -pose + 4] @ found[0, -pose : -pose + 4] < 0:
        start[-pose : -pose + 4] *= -1
    found[:, columns] = start[columns] + share * (found[:, columns] - start[columns])
    if pose:
        turns = found[:, -pose : -pose + 4]
        turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    return found
