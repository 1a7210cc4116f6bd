"""Whether something lies over the mouth of a photo: a mask, a scarf, a hand."""

import numpy as np

from avatar.photo.project import sampled
from avatar.photo.seen import SeenPhoto

AROUND_MOUTH = (
    *(164, 165, 167, 391, 393, 206, 426, 207, 427, 216, 436, 212, 432, 202, 422, 204, 424),
    *(194, 418, 201, 421, 200, 199, 208, 428, 18, 83, 313),
)
FOREHEAD = (8, 9, 168, 151, 108, 337, 67, 297, 104, 333, 69, 299)
NOSE_ROOT = (8, 168, 193, 417, 122, 351, 245, 465)
"""Landmarks around the lips and on the chin; on the forehead down to the root of the nose; there
between the eyes, below any fringe."""
OTHER_HUE = 0.15  # of chromaticities that add up to 1: faces, bearded ones too, have less than 0.1
DARKEST, LIGHTEST = 0.5, 1.25  # of the brightness of skin


def mouth_covered(seen: SeenPhoto) -> bool:
    """Whether around the mouth a face has another colour than skin, by medians."""
    points = seen.points.double().numpy()
    mouth, *others = (
        np.median(sampled(seen.picture, points[list(ring)]), axis=0)
        for ring in (AROUND_MOUTH, FOREHEAD, NOSE_ROOT)
    )
    skin = max(others, key=np.sum)  # a fringe or the frame of glasses may hide one of them
    bright = float(mouth.sum() / max(skin.sum(), 1e-3))
    hue = np.abs(mouth / max(mouth.sum(), 1e-3) - skin / max(skin.sum(), 1e-3)).sum()
    return bool(hue > OTHER_HUE or not DARKEST < bright < LIGHTEST)
