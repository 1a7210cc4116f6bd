"""The radiance of skin, at rest and in folds that open."""

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, bell, mix, smoothstep
from avatar.people import masks
from avatar.people.masks import fractal_noise, value_noise, vector_noise
from avatar.people.shading import Lighting, Studio, linear, lit_skin
from avatar.people.skin import OpenSkin, Skin

INNER_MOUTH = linear((150, 58, 58))


def oiliness(skin: Skin) -> Floats:
    """How much more the skin shines than elsewhere [N]: nose, forehead, cheeks, moist lips."""
    oily = 0.5 * masks.nose_mask(skin.mm) + 0.30 * masks.forehead_mask(skin.mm)
    return oily + (0.25 * masks.cheek_mask(skin.mm) + 1.0 * skin.lips + 0.15 * skin.lids)


def lit(studio: Studio, skin: OpenSkin, albedo: Floats, shine: float = 1.0) -> Floats:
    """Linear light [N, 3] that samples of skin with albedo [N, 3] send to the viewer.

    shine: factor on the highlights.
    """
    rng = studio.rng
    rest, stretched = _sky(skin, studio.light)
    inside = smoothstep(0.3, 0.8, skin.inner_mouth)
    sheen, gloss = _sheen(skin, inside, rng)
    sheen *= shine
    shut = lit_skin(_rough(skin, rng), rest, albedo, 1.0, sheen, gloss)
    opened = lit_skin(skin.open_normals, stretched, albedo, 1.0, sheen * 0.5)
    from_open = _share_of_open(skin, rest.mean(1), stretched.mean(1))
    radiance = mix(shut, opened, from_open)
    radiance = mix(radiance, _mouth_lining(skin, stretched, albedo), inside)
    crevice = 0.60 + 0.40 * np.clip(rest.mean(1) * 2.1, 0, 1)
    crevice = crevice + (1 - crevice) * np.maximum(from_open, inside)
    lip_line = bell(skin.mm[:, 1] - masks.LIP_LINE, 0.7) * skin.lips
    radiance *= (crevice * (1 - 0.30 * lip_line))[:, None]
    return _never_black(skin, radiance, albedo, inside)


def _sky(skin: OpenSkin, lighting: Lighting) -> tuple[Floats, Floats]:
    """Light per direction [N, D] at rest and stretched, each averaged over seven neighbours."""
    samples = np.column_stack([skin.points, skin.normals * 4 * MM])
    near = np.asarray(KDTree(samples).query(samples, 7)[1])

    def averaged(visible: Floats) -> Floats:
        return np.mean([visible[column] for column in near.T], axis=0)

    return (
        averaged(lighting.at_rest(skin.points, 1.5 * MM)),
        averaged(lighting.when_stretched(skin.open_points, 1.5 * MM)),
    )


def _sheen(skin: OpenSkin, inside: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Strength and exponent [N] of the highlight: oily nose and forehead, moist lips, pores."""
    broken = 1 + 0.35 * fractal_noise(skin.mm * MM, 240, 2, 15)
    broken += 0.22 * rng.normal(size=len(skin.mm))
    sheen = (
        (0.60 + oiliness(skin)) * np.clip(broken, 0.2, 2) * (1 - skin.scalp) * (1 - 0.6 * inside)
    )
    return sheen, 24 + 26 * skin.lips


def _rough(skin: OpenSkin, rng: np.random.Generator) -> Floats:
    """Normals [N, 3] with fine bumps and the creases of the lips."""
    metres = skin.mm * MM
    bumps = 0.10 * vector_noise(metres, 600, 20) + 0.035 * rng.normal(size=metres.shape)
    across = metres * [1.0, 0.12, 0.0]
    crease = 0.25 * skin.lips * value_noise(across, 850, 30)
    bumpy = skin.normals + bumps * (1 - 0.5 * skin.lips)[:, None]
    bumpy[:, 0] += crease
    return bumpy / np.linalg.norm(bumpy, axis=1, keepdims=True)


def _share_of_open(skin: OpenSkin, rest: Floats, stretched: Floats) -> Floats:
    """Share [N] of the stretched pose's light, where the resting pose hides the skin."""
    elsewhere = 1 - skin.lips
    revealed = 0.75 * smoothstep(0.04, 0.20, stretched - rest) * elsewhere
    hidden_lid = smoothstep(0.20, 0.08, rest) * (skin.lids > 0.01)
    lid = np.clip(np.maximum(0.6 * skin.lids, hidden_lid), 0, 1) * elsewhere
    lip = skin.lips * smoothstep(0.36, 0.16, rest)
    return np.maximum(np.maximum(revealed, lid), lip)


def _mouth_lining(skin: OpenSkin, stretched: Floats, albedo: Floats) -> Floats:
    """The inside of the mouth: dark with depth and towards the corners."""
    x, _, z = skin.mm.T
    depth = np.clip((95 - z) / 55, 0, 1)
    shade = (0.85 - 0.70 * depth) * (1 - 0.7 * smoothstep(13, 24, np.abs(x)))
    lit = lit_skin(skin.open_normals, stretched, albedo, 0.35, 0.8)
    return lit * shade[:, None] + 0.012 * INNER_MOUTH


def _never_black(skin: OpenSkin, radiance: Floats, albedo: Floats, inside: Floats) -> Floats:
    """Nostril folds and the skin around the mouth keep a little light."""
    x, _, z = skin.mm.T
    floor = smoothstep(9, 13, np.abs(x)) * smoothstep(65, 80, z) * (1 - inside) * (1 - skin.lips)
    return np.maximum(radiance, 0.30 * floor[:, None] * albedo)
