"""The colour of the skin: pigment, blood, lips, beard."""

import numpy as np
from scipy.spatial import KDTree

from avatar.mesh.vectors import MM, Floats, bell, mix, smoothstep
from avatar.synthetic.shared import masks
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.noise import fractal_noise, value_noise
from avatar.synthetic.shared.skin import Skin

INNER_MOUTH = linear((150, 58, 58))


def skin_albedo(skin: Skin, look: Look, rng: np.random.Generator) -> Floats:
    """Reflectance [N, 3] from the deepest to the topmost colour."""
    base = linear(look.skin)
    albedo = np.tile(base, (len(skin.mm), 1))
    albedo = _blood(albedo, skin, look)
    albedo *= _mottling(skin.mm, rng)
    albedo = _freckled(albedo, skin, look, rng)
    if look.beard:
        albedo = _bearded(albedo, skin, look, rng)
    albedo = mix(albedo, _lip_colour(skin, look), look.lip_cover * skin.lips)
    roots = linear(look.hair) * (0.28 if look.hair_style == "bob" else 0.40)
    albedo = mix(albedo, roots, np.clip(skin.scalp, 0, 1) ** 1.4)
    return mix(albedo, INNER_MOUTH, smoothstep(0.25, 0.75, skin.inner_mouth))


def _blood(albedo: Floats, skin: Skin, look: Look) -> Floats:
    """Red where blood is near, blue and dark around the eyes, yellow on the forehead."""
    mm, base = skin.mm, linear(look.skin)
    red = linear((205, 118, 104)) * (base[1] / linear(168))
    flush = 0.36 * masks.cheek_mask(mm) + 0.34 * masks.nose_mask(mm) + 0.16 * masks.chin_mask(mm)
    flush = look.blush * (flush + 0.34 * skin.ears) + 0.10 * skin.lids
    albedo = mix(albedo, red, np.clip(flush, 0, 0.6))
    tired = 0.16 * masks.socket_mask(mm) + 0.22 * masks.under_eye_mask(mm)
    albedo = mix(albedo, base * [0.70, 0.58, 0.60], np.clip(tired, 0, 0.5))
    return mix(albedo, base * [1.12, 1.19, 1.14], 0.30 * masks.forehead_mask(mm))


def _mottling(mm: Floats, rng: np.random.Generator) -> Floats:
    """Uneven pigment [N, 3]: 3 cm patches, 7 mm and 3 mm blotches, and grain."""
    metres = mm * MM
    patches = np.outer(fractal_noise(metres, 32, 3, 1), [0.03, 0.055, 0.06])
    blotches = np.outer(fractal_noise(metres, 140, 2, 9), [0.018, 0.045, 0.045])
    spots = np.outer(fractal_noise(metres, 330, 2, 12), [0.022, 0.040, 0.040])
    grain = rng.normal(size=(len(mm), 1)) * 0.026 * [1.0, 1.15, 1.2]
    return (1 + patches) * (1 + blotches) * (1 + spots) * (1 + grain)


def _freckled(albedo: Floats, skin: Skin, look: Look, rng: np.random.Generator) -> Floats:
    mm = skin.mm
    likely = masks.cheek_mask(mm) + 1.3 * masks.nose_mask(mm) + 0.15 * masks.face_mask(mm)
    bare = (skin.lips < 0.05) & (skin.scalp < 0.2) & (skin.inner_mouth < 0.1)
    seeds = np.flatnonzero((rng.random(len(mm)) < 0.016 * look.freckles * likely) & bare)
    if len(seeds) == 0:
        return albedo
    distance, nearest = KDTree(mm[seeds]).query(mm, distance_upper_bound=3.0)
    known = nearest < len(seeds)
    radius, depth = rng.uniform(0.5, 1.0, len(seeds) + 1), rng.uniform(0.25, 0.8, len(seeds) + 1)
    dark = np.where(known, bell(np.where(known, distance, 9.0) / radius[nearest], 1.0), 0.0)
    return mix(albedo, albedo * [0.80, 0.66, 0.58], dark * depth[nearest])


def _bearded(albedo: Floats, skin: Skin, look: Look, rng: np.random.Generator) -> Floats:
    """A shaved beard: a cool, even shadow with single darker hairs."""
    grown = masks.beard_mask(skin.mm)
    uneven = 0.90 + 0.12 * fractal_noise(skin.mm * MM, 160, 2, 33)
    shadow = np.clip(look.beard * grown * uneven, 0, 1)
    albedo = mix(albedo, albedo * [0.66, 0.70, 0.77], 0.46 * shadow)
    stubble = rng.random(len(grown)) < 0.30 * shadow
    return np.where(stubble[:, None], albedo * 0.90, albedo)


def _lip_colour(skin: Skin, look: Look) -> Floats:
    """Fine upright creases, darker towards the line where the lips meet."""
    x, y, _ = skin.mm.T
    across = np.stack([x, 0.15 * y, 0 * x], 1) * MM
    creases = 1 + 0.10 * value_noise(across, 950, 4)
    meeting = 1 - 0.12 * bell(y - masks.LIP_LINE, 1.9)
    return linear(look.lips) * (creases * meeting)[:, None]


def oiliness(skin: Skin) -> Floats:
    """How much more the skin shines than elsewhere [N]: nose, forehead, cheeks, moist lips."""
    oily = 0.5 * masks.nose_mask(skin.mm) + 0.30 * masks.forehead_mask(skin.mm)
    return oily + (0.25 * masks.cheek_mask(skin.mm) + 1.0 * skin.lips + 0.15 * skin.lids)
