"""How like the true masks of person and hair the tracked ones are."""

from collections.abc import Callable, Sequence

import numpy as np

from avatar.capture import View, read_labels, read_picture
from avatar.evaluation.regions import REGIONS
from avatar.mesh.vectors import Bools

FRAMES = 40  # that are looked at, at most
HAIR = 1 + REGIONS.index("hair")
SOLID = 127  # of 255


def mask_ious(tracked: Sequence[View], true: Sequence[View]) -> tuple[float, float]:
    """Intersection over union of the person and of hair, means over frames; nan without masks.

    Pictures of other sizes are compared at the pixels of the true ones.
    """
    return _mean_iou(_person, tracked, true), _mean_iou(_hair, tracked, true)


def iou(ours: Bools, theirs: Bools) -> float:
    """Intersection over union of two masks; of two empty ones it is 1."""
    rows, columns = (np.arange(n) * m // n for n, m in zip(theirs.shape, ours.shape, strict=True))
    ours = ours[np.ix_(rows, columns)]
    union = (ours | theirs).sum()
    return float((ours & theirs).sum() / union) if union else 1.0


def _mean_iou(
    mask: Callable[[View], Bools | None], tracked: Sequence[View], true: Sequence[View]
) -> float:
    found = []
    for index in np.unique(np.linspace(0, len(true) - 1, FRAMES).round().astype(int)):
        ours, theirs = mask(tracked[index]), mask(true[index])
        if ours is None or theirs is None:
            return float("nan")
        found.append(iou(ours, theirs))
    return float(np.mean(found))


def _person(view: View) -> Bools | None:
    return None if view.mask is None else read_picture(view).mask > SOLID


def _hair(view: View) -> Bools | None:
    return None if view.labels is None else read_labels(view).numpy() == HAIR
