"""Teeth, gums and tongue, lit as they are with the jaw open."""

import numpy as np

from avatar.mesh.records import concatenated
from avatar.mesh.vectors import MM, bell, mix, normalised, smoothstep
from avatar.synthetic.portrait.layer import Layer, discs
from avatar.synthetic.portrait.lighting import Studio
from avatar.synthetic.portrait.shading import lit_skin
from avatar.synthetic.shared.noise import fractal_noise
from avatar.synthetic.shared.sampling import even_spots
from avatar.synthetic.shared.sitter import Sitter
from avatar.synthetic.shared.surface import smooth_points
from avatar.synthetic.shared.teeth import ENAMEL, ENAMEL_NECK, GUM, TONGUE, gum_line, tooth_position

BACK_TEETH, TONGUE_ROOT = 58.0, 34.0  # z (mm) behind which nothing is ever seen


def mouth_layer(studio: Studio) -> Layer:
    """Both rows of teeth and the tongue."""
    rows = [_teeth(studio, group) for group in ("upper-teeth", "lower-teeth")]
    return concatenated([*rows, _tongue(studio)])


def _teeth(studio: Studio, group: str) -> Layer:
    sitter = studio.sitter
    depth = sitter.painted.vertices[:, 2] / MM
    spacing = np.where(depth < 78, 1.25 * MM, 0.76 * MM)
    triangles = _in_front(sitter, group, BACK_TEETH)
    spots = even_spots(sitter.rest, triangles, spacing, studio.rng)
    points, normals = smooth_points(sitter.rest, spots)
    open_points, open_normals = smooth_points(sitter.stretched, spots)
    mm = sitter.millimetres(spots)
    along, tooth, across, gap = tooth_position(mm, group)
    gum, height = gum_line(sitter, mm, along, across, group)
    albedo = mix(np.tile(ENAMEL, (len(mm), 1)), ENAMEL_NECK, 0.5 * smoothstep(0.4, 1.1, height))
    albedo *= ((1 - 0.55 * bell(gap, 0.5) * (1 - gum)) * (1 + 0.03 * (tooth % 2)))[:, None]
    albedo = mix(albedo, GUM, gum)
    # Each tooth is rounded by turning its normals towards its two sides.
    sideways = np.stack([np.sign(mm[:, 0]) * 0.6, 0 * along, np.full(len(mm), -0.5)], 1)
    facing = normalised(open_normals + sideways * (0.55 * across * (1 - gum))[:, None])
    visible = studio.light.when_stretched(open_points, 2 * MM)
    wet = lit_skin(facing, visible, albedo, 0.6, 1.3 - 0.5 * gum, 60.0)
    radiance = (wet * 0.62 + albedo * 0.36) * (1 - 0.80 * smoothstep(89, 50, mm[:, 2]))[:, None]
    tongue_side = (normals * normalised(points * [1.0, 0.0, 1.0] - [0, 0, 45 * MM])).sum(1)
    radiance *= (1 - 0.55 * smoothstep(0.2, -0.5, tongue_side))[:, None]
    return discs(points, normals, spots.spacing * 0.85, 0.2, radiance, 0.97, spots.triangles)


def _in_front(sitter: Sitter, group: str, behind: float) -> np.ndarray:
    triangles = sitter.part(group)
    depth = sitter.painted.vertices[sitter.faces[triangles], 2].max(1) / MM
    return triangles[depth > behind]


def _tongue(studio: Studio) -> Layer:
    sitter, rng = studio.sitter, studio.rng
    triangles = _in_front(sitter, "tongue", TONGUE_ROOT)
    spots = even_spots(sitter.rest, triangles, 1.55 * MM, rng)
    points, normals = smooth_points(sitter.rest, spots)
    open_points, open_normals = smooth_points(sitter.stretched, spots)
    mm = sitter.millimetres(spots)
    x, _, z = mm.T
    uneven = 1 + 0.10 * fractal_noise(mm * MM, 260, 2, 60) + 0.06 * rng.normal(size=len(mm))
    groove = 1 - 0.28 * bell(x, 1.8) * smoothstep(35, 65, z)
    albedo = TONGUE * (uneven * groove)[:, None]
    papillae = normalised(open_normals + 0.2 * rng.normal(size=open_normals.shape))
    visible = studio.light.when_stretched(open_points, 2 * MM)
    wet = lit_skin(papillae, visible, albedo, 1.0, 1.2, 30.0)
    own = 0.10 + 0.26 * smoothstep(45, 75, z)
    radiance = (wet * 0.70 + albedo * own[:, None]) * (1 - 0.8 * smoothstep(70, 25, z))[:, None]
    return discs(points, normals, spots.spacing * 0.85, 0.15, radiance, 0.97, spots.triangles)
