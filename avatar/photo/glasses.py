"""Whether a face wears glasses, by the line that their frame draws below each eye."""

import numpy as np

from avatar.mesh.vectors import Floats
from avatar.photo.project import sampled
from avatar.photo.seen import SeenPhoto

CORNERS = (33, 263)  # landmarks: outer corners of the eyes
BELOW_EYES = ((145, 205), (374, 425))  # from the lower lids to the cheeks
STEP, REACH, HALF = 0.012, 4, 0.03  # of the eyes' distance; steps; half the width that is looked at
FRAME = 0.42
"""Of the skin's brightness, how much a frame differs from what is beside it: bare eyes have up to
0.37, dark frames at least 0.75; a thin one of metal had 0.47."""


def glasses_worn(seen: SeenPhoto) -> bool:
    """Whether lines are where a frame would be. Light ones and rimless glasses are missed."""
    points = seen.points.double().numpy()
    return min(line_strength(seen.picture, points, *way) for way in BELOW_EYES) > FRAME


def line_strength(picture: Floats, points: Floats, start: int, end: int) -> float:
    """How strongly a thin line crosses the way from one landmark [478, 2] to another: the largest
    second difference of brightness, as a share of the brightness along it."""
    unit = float(np.linalg.norm(points[CORNERS[1]] - points[CORNERS[0]]))
    way = points[end] - points[start]
    ahead = way / np.linalg.norm(way)
    aside = np.array([-ahead[1], ahead[0]])
    along = np.arange(0, np.linalg.norm(way), STEP * unit)[:, None] * ahead  # [N, 2]
    across = np.linspace(-HALF, HALF, 5)[:, None, None] * unit * aside  # [5, 1, 2]
    places = points[start] + along + across
    bright = sampled(picture, places.reshape(-1, 2)).mean(1).reshape(places.shape[:2])
    profile = np.median(bright, axis=0)
    if len(profile) <= 2 * REACH:  # a face from the side
        return 0.0
    bend = (profile[2 * REACH :] + profile[: -2 * REACH]) / 2 - profile[REACH:-REACH]
    return float(np.abs(bend).max() / max(np.median(profile), 1e-3))
