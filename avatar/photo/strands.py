"""Hair that no photo shows: in strands as different from each other as those that are seen."""

import numpy as np

from avatar.mesh.vectors import MM, Bools, Floats, any_tangent, normalised
from avatar.photo.pixels import nearest, smoothed
from avatar.photo.project import View, hair_mask, well_inside
from avatar.photo.usual import DARK
from avatar.synthetic.shared.masks import SKULL_CENTRE
from avatar.synthetic.shared.noise import value_noise

WIDE = ((3 * MM, 1.0), (9 * MM, 0.7))  # of strands and of locks, and how much these differ
ALONG = 0.06  # how much less hair differs along a strand than across
ROUND = 90 * MM  # radius of the head, around which strands are counted
FINE = 5 * MM  # over which a photo's hair is smoothed, to tell strands from shades
SURE = 0.9  # of the matte
LEAST, MOST = 0.08, 0.35  # deviation of strands' brightness, of its logarithm


def strands(points: Floats, flow: Floats, contrast: float) -> Floats:
    """How bright [N] hair at points [N, 3] is, around 1: the same along each strand.

    Strands that lie on a head and point as far as they can along a direction `flow` [3] are
    meridians around it: all points of one have the same azimuth.
    """
    ahead = normalised(flow)
    away = points - SKULL_CENTRE * MM
    along = away @ ahead
    aside = any_tangent(ahead[None])[0]
    across = np.arctan2(away @ np.cross(ahead, aside), away @ aside)
    around = ROUND * np.column_stack([np.cos(across), np.sin(across)])
    places = np.column_stack([around, ALONG * along])
    noise = sum(share * value_noise(places, 1 / wide, 91) for wide, share in WIDE)
    assert isinstance(noise, np.ndarray)
    return np.exp(contrast * noise / max(float(noise.std()), 1e-9))


def seen_contrast(view: View) -> float:
    """The deviation of the logarithm of brightness between the strands that a photo shows."""
    hair = _sure_hair(view)
    if not hair.any():
        return LEAST
    bright = np.log(view.photo.seen.picture.mean(2) + DARK)
    fine = bright - smoothed(bright, hair, FINE / view.pixel)
    return float(np.clip(fine[hair].std(), LEAST, MOST))


def hair_tones(view: View) -> Floats:
    """Colours [H, W, 3] of hair without its strands, of the nearest hair where there is none."""
    hair = _sure_hair(view)
    channels = np.moveaxis(view.photo.seen.picture, 2, 0)
    tones = [smoothed(channel, hair, FINE / view.pixel) for channel in channels]
    return np.stack(tones, axis=2)[tuple(nearest(hair))]


def _sure_hair(view: View) -> Bools:
    """Where [H, W] a photo shows nothing but hair."""
    seen = view.photo.seen
    return (hair_mask(seen) > SURE) & well_inside(seen)
