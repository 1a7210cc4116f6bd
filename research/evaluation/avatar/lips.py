"""Whether an avatar's lips open when the filmed ones do, as the landmark network sees both."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from avatar.geometry.vectors import Floats
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER

UPPER, LOWER = [82, 13, 312], [87, 14, 317]  # landmarks in the middle of the lips, inside
FEWEST = 3  # pairs that tell a correlation


def lip_opening(finder: FaceFinder, picture: Tensor) -> float | None:
    """The gap between the lips of the largest face in a picture [H, W, 3] in [0, 1], as a share of
    the distance between the outer corners of the eyes; None without a face."""
    faces = faces_in_picture(finder, picture.to(finder.landmarks.device), small=False).points
    if not len(faces):
        return None
    points = faces[0, :, :2]
    eyes = (points[LEFT_CORNER] - points[RIGHT_CORNER]).norm()
    return float((points[UPPER] - points[LOWER]).norm(dim=1).mean() / eyes)


def correlation(pairs: Sequence[tuple[float, float]] | Floats) -> float | None:
    """Pearson's, of pairs of numbers; None where there are too few or nothing varies."""
    columns = np.asarray(pairs, np.float64).reshape(-1, 2).T
    if columns.shape[1] < FEWEST or min(np.std(column) for column in columns) == 0:
        return None
    ours, theirs = columns
    return float(np.corrcoef(ours, theirs)[0, 1])
