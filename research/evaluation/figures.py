"""What the evaluations share: outputs checked before the work, and figures that may be unknown."""

from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from avatar.geometry.vectors import Floats
from common.writable import check_writable

FEWEST = 3  # pairs that a correlation needs


def check_outputs(*paths: Path | None) -> None:
    """Check that reports and sheets could be written; raises as `check_writable` does."""
    for path in paths:
        if path is not None:
            check_writable(path)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the known values; None without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def correlation(pairs: Sequence[tuple[float, float]] | Floats) -> float | None:
    """Pearson's, of pairs of numbers; None where there are too few or nothing varies."""
    columns = np.asarray(pairs, np.float64).reshape(-1, 2).T
    if columns.shape[1] < FEWEST or min(np.std(column) for column in columns) == 0:
        return None
    ours, theirs = columns
    return float(np.corrcoef(ours, theirs)[0, 1])


def cell(value: float | None, form: str) -> str:
    """A figure in a table: formatted, or a dash where it is unknown."""
    return "–" if value is None or not isfinite(value) else f"{value:{form}}"
