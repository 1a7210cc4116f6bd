"""Teeth, gums and tongue: their shapes and colours, lit as they are with the jaw open."""

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, Ints, bell, mix, normalised, smoothstep
from avatar.people.layer import Layer, discs
from avatar.people.masks import fractal_noise
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.subject import Subject
from avatar.people.surface import even_spots, smooth_points

# The dental arch from the middle to the left, on the mean head: x and z in millimetres.
_ARCH = np.array(
    [[0, 94], [8, 93.5], [17, 88], [22, 81], [25, 72], [28, 62], [30, 55], [31, 49], [31, 41]]
)
# Where one tooth ends and the next begins, along the arch from the middle (mm).
_UPPER_BORDERS = np.array([-1, 0, 8.5, 15.2, 23.0, 30.2, 37.5, 47.5, 60.0])
_LOWER_BORDERS = np.array([-1, 0, 5.5, 11.5, 18.5, 25.8, 33.2, 43.5, 56.0])
# Length of the crowns (mm) at 0, 20 and 45 mm along the arch.
CROWN = {"upper-teeth": (10.8, 9.5, 7.0), "lower-teeth": (9.0, 8.5, 6.5)}
ENAMEL, ENAMEL_NECK, GUM = linear((236, 227, 208)), linear((224, 204, 170)), linear((196, 112, 108))
TONGUE = linear((196, 108, 104))


def tooth_position(mm: Floats, group: str) -> tuple[Floats, Ints, Floats, Floats]:
    """Of each point [N]: distance along the arch (mm), number of its tooth, position across that
    tooth in [-1, 1], and distance to the next gap (mm)."""
    along = _along_arch(mm)
    borders = _UPPER_BORDERS if group == "upper-teeth" else _LOWER_BORDERS
    tooth = np.clip(np.searchsorted(borders, along) - 1, 1, len(borders) - 2)
    left, right = borders[tooth], borders[tooth + 1]
    across = (along - left) / (right - left) * 2 - 1
    return along, tooth, across, np.minimum(along - left, right - along)


def _along_arch(mm: Floats) -> Floats:
    """Distance [N] of points from the middle along the arch, in millimetres."""
    steps = np.linalg.norm(np.diff(_ARCH, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    fine = np.linspace(0, length[-1], 400)
    curve = np.stack([np.interp(fine, length, _ARCH[:, axis]) for axis in (0, 1)], 1)
    return fine[KDTree(curve).query(np.stack([np.abs(mm[:, 0]), mm[:, 2]], 1))[1]]


def gum_line(
    subject: Subject, mm: Floats, along: Floats, across: Floats, group: str
) -> tuple[Floats, Floats]:
    """Share of gum [N] and distance from the teeth's tips [N] in lengths of a crown."""
    sign, tips = _tips(subject, group)
    crown = np.interp(along, [0, 20, 45], CROWN[group])
    from_tip = sign * (mm[:, 1] - np.interp(along, *tips))
    return smoothstep(-0.4, 0.8, from_tip - crown + 1.8 * across**2), from_tip / crown


def _tips(subject: Subject, group: str) -> tuple[float, tuple[Floats, Floats]]:
    """Which way the gums lie (1 up, -1 down), and the height of the biting edge along the arch."""
    sign = 1.0 if group == "upper-teeth" else -1.0
    mm = subject.painted.vertices[np.unique(subject.faces[subject.part(group)])] / MM
    along = _along_arch(mm)
    samples = np.linspace(0, along.max(), 12)
    near = np.abs(along[None] - samples[:, None]) < 5
    heights = [sign * (sign * mm[row, 1]).min() if row.any() else np.nan for row in near]
    known = np.isfinite(heights)
    return sign, (samples[known], np.array(heights)[known])


BACK_TEETH, TONGUE_ROOT = 58.0, 34.0  # z (mm) behind which nothing is ever seen


def mouth_layer(studio: Studio) -> Layer:
    """Both rows of teeth and the tongue."""
    rows = [_teeth(studio, group) for group in ("upper-teeth", "lower-teeth")]
    return concatenated([*rows, _tongue(studio)])


def _teeth(studio: Studio, group: str) -> Layer:
    subject = studio.subject
    depth = subject.painted.vertices[:, 2] / MM
    spacing = np.where(depth < 78, 1.25 * MM, 0.76 * MM)
    triangles = _in_front(subject, group, BACK_TEETH)
    spots = even_spots(subject.rest, triangles, spacing, studio.rng)
    points, normals = smooth_points(subject.rest, spots)
    open_points, open_normals = smooth_points(subject.stretched, spots)
    mm = subject.millimetres(spots)
    along, tooth, across, gap = tooth_position(mm, group)
    gum, height = gum_line(subject, mm, along, across, group)
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


def _in_front(subject: Subject, group: str, behind: float) -> np.ndarray:
    triangles = subject.part(group)
    depth = subject.painted.vertices[subject.faces[triangles], 2].max(1) / MM
    return triangles[depth > behind]


def _tongue(studio: Studio) -> Layer:
    subject, rng = studio.subject, studio.rng
    triangles = _in_front(subject, "tongue", TONGUE_ROOT)
    spots = even_spots(subject.rest, triangles, 1.55 * MM, rng)
    points, normals = smooth_points(subject.rest, spots)
    open_points, open_normals = smooth_points(subject.stretched, spots)
    mm = subject.millimetres(spots)
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
