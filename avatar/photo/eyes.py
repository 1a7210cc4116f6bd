"""What painters have to know from a photo: the colour of the irises, and the light of the eyes."""

import numpy as np
from scipy.ndimage import binary_erosion

from avatar.mesh.vectors import Bools, Floats
from avatar.photo.project import LIDS, polygon
from avatar.photo.seen import SeenPhoto
from avatar.synthetic.shared.look import Colour

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Landmarks of each iris: its middle, then four on its rim."""
RING = (0.45, 0.9)  # of an iris's radius: between pupil and rim
WHITE = 0.80  # quantile of brightness in an eye's opening that its white has
PAINTED_WHITE = 0.62  # sRGB of the painted white, between the lids
LEAST, MOST = 0.55, 1.25  # of the painted light
FEWEST = 6  # pixels that tell a colour
BROWN = (70, 50, 36)


def iris_colours(seen: SeenPhoto) -> tuple[Colour, Colour, Colour]:
    """The look's colours near the pupil, at the rim and between, from both eyes of a photo."""
    told = np.concatenate([_iris_pixels(seen, *pair) for pair in zip(IRISES, LIDS, strict=True)])
    if len(told) < FEWEST:
        middle = np.array(BROWN, float)
    else:
        bright = told.sum(1)
        usual = (bright > np.quantile(bright, 0.2)) & (bright < np.quantile(bright, 0.8))
        middle = np.median(told[usual], axis=0) * 255
    return _colour(middle * 1.05), _colour(middle * 0.8), _colour(middle * 1.3)


def eye_light(seen: SeenPhoto) -> float:
    """How bright the whites of the eyes are, where the painted ones have 1 (linear light)."""
    inside = np.asarray(binary_erosion(polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])), bool)
    if inside.sum() < FEWEST:
        return 1.0
    white = float(np.quantile(seen.picture[inside].mean(1), WHITE))
    return float(np.clip((white / PAINTED_WHITE) ** 2.2, LEAST, MOST))


def _iris_pixels(seen: SeenPhoto, iris: tuple[int, ...], lids: tuple[int, ...]) -> Floats:
    """Colours [P, 3] between the pupil and the rim, where the lids leave them free."""
    middle, *rim = seen.points[list(iris)].double().numpy()
    radius = float(np.linalg.norm(np.array(rim) - middle, axis=1).mean())
    rows, columns = np.indices(seen.person.shape)
    away = np.hypot(columns + 0.5 - middle[0], rows + 0.5 - middle[1]) / radius
    ring: Bools = (away > RING[0]) & (away < RING[1]) & polygon(seen, lids)
    return seen.picture[ring]


def _colour(levels: Floats) -> Colour:
    red, green, blue = np.clip(levels, 4, 250).round().astype(int).tolist()
    return red, green, blue
