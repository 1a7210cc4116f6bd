"""A collar that the first photo shows on the neck, above the garment, led around it."""

import numpy as np

from avatar.geometry.vectors import Bools, Floats
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed
from avatar.people.skin import Skin
from avatar.photo.project import cloth_mask, sampled, visible_spots, weight_of
from avatar.photo.robust_fill import filled
from avatar.photo.subject import Scene

SQUARE = 0.35  # cosine to the view from which the photo tells skin from cloth
BIN, FEWEST = 12.0, 8  # degrees around the neck, and samples in them that make a collar
TOP = 0.85  # quantile of the height of cloth that is its upper edge


def collar(scene: Scene, skin: Skin, neck: Bools) -> tuple[Bools, Floats]:
    """Which samples [N] of the skin are cloth, of those of the neck [N], and the radiance [N, 3] of
    these: where the photo does not show it, up to the height that its sides show."""
    view = scene.views[0]
    seen = view.photo.seen
    there = visible_spots(view, skin.spots)
    mask = cloth_mask(seen)
    square = there.clear & (there.facing > SQUARE)
    shown = neck & square & (sampled(mask, there.pixels) > 0.5)
    radiance = np.zeros_like(skin.points)
    tops = upper_edge(skin.mm, neck, square, shown)
    worn = np.where(square, shown, neck & (skin.mm[:, 1] < tops))
    if shown.sum() < FEWEST:
        return np.zeros_like(worn), radiance
    weight = weight_of(there, mask, SQUARE, SQUARE + 0.2)[worn]
    rgb = Observed(sampled(seen.picture, there.pixels)[worn], weight)
    radiance[worn] = untoned(filled(rgb, skin.points[worn], skin.normals[worn]))
    return worn, radiance


def upper_edge(mm: Floats, neck: Bools, square: Bools, shown: Bools) -> Floats:
    """Height [N] of the upper edge of cloth around the neck, by points [N, 3] in millimetres; as at
    the nearest angle that is seen."""
    middle = np.median(mm[neck, 2]) if neck.any() else 0.0
    around = np.degrees(np.abs(np.arctan2(mm[:, 0], mm[:, 2] - middle)))
    angles, heights = [], []
    for start in np.arange(0, 180, BIN):
        near = (around >= start) & (around < start + BIN)
        if (near & neck & square).sum() >= FEWEST:
            cloth = mm[near & shown, 1]
            angles.append(start + BIN / 2)
            heights.append(np.quantile(cloth, TOP) if len(cloth) >= FEWEST else -np.inf)
    if not angles or not np.isfinite(heights[-1]):
        return np.full(len(mm), -np.inf)
    known = np.isfinite(heights)
    return np.interp(around, np.array(angles)[known], np.array(heights)[known])
