"""Whether tracked lips open and shut when the true ones do."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import MM, Bools, Floats, Ints
from avatar.heads import Head

MIDDLE = 0.5  # of the mouth's width, in which its gap is measured
SHUT = 1.0  # mm: lips nearer than this are shut
NEARLY_SHUT = 2.0  # mm: where true lips are, tracked ones may be shut
LATE = 1  # frames by which a closure may be missed


@dataclass(frozen=True)
class Closures:
    """How often lips shut, in runs of frames."""

    true: int
    found: int  # of the true ones
    tracked: int
    false: int  # of the tracked ones


def lip_gaps(head: Head, vertices: Floats) -> Floats:
    """The gap [F] in mm between the lips of meshes [F, V, 3] metres, the mean over its middle."""
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    across = np.abs(head.vertices.numpy()[upper, 0])
    middle = across < MIDDLE * across.max()
    apart = vertices[:, upper[middle]] - vertices[:, lower[middle]]
    return np.linalg.norm(apart, axis=-1).mean(1) / MM


def closures(tracked: Floats, true: Floats) -> Closures:
    """Closures in the tracked and true gaps [F] in mm."""
    ours, theirs = _runs(tracked < SHUT), _runs(true < SHUT)
    return Closures(
        true=int(theirs.max(initial=0)),
        found=_met(theirs, tracked < SHUT),
        tracked=int(ours.max(initial=0)),
        false=int(ours.max(initial=0)) - _met(ours, true < NEARLY_SHUT),
    )


def _runs(shut: Bools) -> Ints:
    """The number [F] from 1 of the run that each frame belongs to, or 0."""
    starts = shut & ~np.concatenate([[False], shut[:-1]])
    return np.where(shut, np.cumsum(starts), 0)


def _met(runs: Ints, others: Bools) -> int:
    """How many runs [F] have one of the others [F] within LATE frames."""
    near = np.convolve(others, np.ones(2 * LATE + 1), mode="full")[LATE:-LATE] > 0
    return len(set(runs[near].tolist()) - {0})
