"""What the evaluations share: outputs checked before the work, and figures that may be unknown."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from avatar.geometry.vectors import Bools, Floats
from common.writable import check_distinct, check_writable

FEWEST = 3  # pairs that a correlation needs


def check_outputs(*paths: Path | None, read: Iterable[Path | None] = ()) -> None:
    """Check that reports and sheets could be written, and are no inputs or each other; raises as
    `check_writable` and `check_distinct` do."""
    for path in paths:
        if path is not None:
            check_writable(path)
    check_distinct(paths, read)


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


def iou(ours: Bools, theirs: Bools) -> float:
    """Intersection over union of two masks, of two empty ones 1; at the pixels of the second."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(theirs.shape, ours.shape, strict=True))
    ours = ours[np.ix_(rows, columns)]
    union = (ours | theirs).sum()
    return float((ours & theirs).sum() / union) if union else 1.0


def mean_of(values: ArrayLike) -> float:
    """The mean of numbers; nan without any."""
    known = np.asarray(values, float)
    return float(known.mean()) if known.size else float("nan")


def median_of(values: ArrayLike) -> float:
    """The median of what is finite of numbers; nan without any."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def runs(frames: Bools) -> list[tuple[int, int]]:
    """First frame, and that after the last, of every stretch of frames [F]."""
    edges = np.flatnonzero(np.diff(frames.astype(int), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
