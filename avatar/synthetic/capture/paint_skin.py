"""Skin as texels: its colour, and how it shines."""

from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from avatar.mesh.vectors import MM, Floats, bell, mix, smoothstep
from avatar.synthetic.capture.lids import lid_rim
from avatar.synthetic.shared.brows import brow_roots
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.complexion import oiliness, skin_albedo
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.noise import fractal_noise, value_noise
from avatar.synthetic.shared.sitter import Sitter
from avatar.synthetic.shared.skin import Skin

FRECKLE_SPACING = 1.24 * MM  # of the samples for which the density of freckles is meant
LID_LINE, LID_RED = linear((58, 40, 34)), linear((190, 120, 110))


def paint_skin(skin: Skin, sitter: Sitter, look: Look, rng: np.random.Generator) -> Floats:
    """Texels [N, 5] of the skin: linear albedo, gloss, exponent."""
    rare = float(np.mean(skin.spots.spacing**2)) / FRECKLE_SPACING**2
    albedo = skin_albedo(skin, replace(look, freckles=look.freckles * rare), rng)
    albedo *= 1 + 0.05 * value_noise(skin.mm * MM, 900, 70)[:, None]  # pores
    albedo = mix(albedo, linear(look.hair) * 0.6, 0.35 * _brow_shade(skin, look))
    albedo = _lid_lines(albedo, skin, sitter, look)
    return np.column_stack([albedo, *_shine(skin)])


def _brow_shade(skin: Skin, look: Look) -> Floats:
    """The skin between the hairs of the brows [N]."""
    along = np.linspace(0, 1, 60)
    line = brow_roots(along, np.zeros(60), look)
    place = np.column_stack([np.abs(skin.mm[:, 0]), skin.mm[:, 1]])
    distance, nearest = KDTree(line).query(place)
    width = 2.3 * look.brow_weight * (1 - 0.6 * along[nearest] ** 1.6)
    return bell(distance / width, 0.75) * smoothstep(50, 65, skin.mm[:, 2])


def _lid_lines(albedo: Floats, skin: Skin, sitter: Sitter, look: Look) -> Floats:
    """The dark line at the roots of the upper lashes, the red one of the lower lid's edge."""
    for side in "lr":
        rim = lid_rim(sitter, side)
        for line, colour, width, amount in (
            (rim.points[rim.upper], LID_LINE, 0.6, 0.85 * look.lash_weight),
            (rim.points[~rim.upper], LID_RED, 0.8, 0.5),
        ):
            distance = KDTree(line).query(skin.points, distance_upper_bound=4 * MM)[0]
            distance = np.minimum(distance, 4 * MM)
            albedo = mix(albedo, colour, amount * bell(distance / MM, width))
    return albedo


def _shine(skin: Skin) -> tuple[Floats, Floats]:
    """Gloss and exponent [N]: oily nose and forehead, moist lips and mouth, pores."""
    metres = skin.mm * MM
    broken = 1 + 0.30 * fractal_noise(metres, 240, 2, 15) + 0.20 * value_noise(metres, 1000, 17)
    creases = 1 + 0.5 * skin.lips * value_noise(metres * [1, 0.12, 0], 850, 30)
    gloss = 0.026 * (0.6 + oiliness(skin)) * np.clip(broken, 0.2, 2) * creases * (1 - skin.scalp)
    return gloss * (1 + skin.inner_mouth), 22 + 26 * skin.lips + 20 * skin.inner_mouth
