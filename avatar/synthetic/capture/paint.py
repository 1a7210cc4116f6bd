"""All that is painted on the mesh, as one texture."""

from collections.abc import Callable

import numpy as np

from avatar.mesh.vectors import MM, Bools, Floats, Ints, bell, mix, normalised, smoothstep
from avatar.synthetic.capture.body import Body, turn_of
from avatar.synthetic.capture.paint_skin import paint_skin
from avatar.synthetic.capture.texture import Texture, painted, resolutions, texel_places
from avatar.synthetic.shared import masks
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.eyes import IRIS, SIDES, eye_albedo, from_pupil, gaze_of, redder_corner
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.noise import fractal_noise, value_noise
from avatar.synthetic.shared.sitter import Sitter
from avatar.synthetic.shared.skin import described
from avatar.synthetic.shared.surface import Spots, at_spots
from avatar.synthetic.shared.teeth import ENAMEL, ENAMEL_NECK, GUM, TONGUE, gum_line, tooth_position
from avatar.synthetic.shared.torso import COLUMNS

Painter = Callable[[Spots], Floats]
"""Texels [N, 5] of spots [N]: linear red, green, blue, gloss, exponent of the highlight."""

RIBS = 90
REDDENED = (1.08, 0.98, 0.96)  # enamel, by the light of gums and lips
CHANNELS = 5


def paint(body: Body, look: Look, inner: Bools, rng: np.random.Generator) -> Texture:
    """The texture of a body; inner [V]: vertices inside the mouth."""
    sitter = body.sitter
    resolution = _resolution(body)
    on, weights = texel_places(resolution)
    corners = body.vertices[body.faces]
    apart = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1) / resolution
    texels = np.zeros((len(on), CHANNELS))
    bare = np.concatenate([body.skin, body.shoulders])
    painters: list[tuple[Ints, Painter]] = [
        (bare, lambda spots: paint_skin(described(sitter, spots, inner), sitter, look, rng)),
        (sitter.part("tongue"), lambda spots: _tongue(sitter, spots)),
        (body.cloth, lambda spots: _cloth(body, look, spots)),
        (body.band, lambda spots: _band(body, look, spots)),
    ]
    for group, outward in SIDES:
        painters.append((sitter.part(group), _eye_painter(sitter, look, group, outward)))
    for group in ("upper-teeth", "lower-teeth"):
        painters.append((sitter.part(group), _teeth_painter(sitter, group)))
    for triangles, painter in painters:
        rows = np.flatnonzero(np.isin(on, triangles))
        texels[rows] = painter(Spots(on[rows], weights[rows], apart[on[rows]]))
    return painted(resolution, texels)


def _resolution(body: Body) -> Ints:
    """Segments [M] of each triangle's side; one where nothing is painted."""
    sitter = body.sitter
    spacing = np.full(len(body.faces), 2.0 * MM)
    centres = sitter.painted.vertices[sitter.faces].mean(1) / MM
    face, count = masks.face_mask(centres), len(centres)
    spacing[:count] = 1.4 * MM - 0.75 * MM * face
    fine = (sitter.blink[sitter.faces].max(1) > 1.2 * MM) | (masks.lip_mask(centres) > 0.05)
    spacing[:count][fine] = 0.5 * MM
    spacing[:count][masks.scalp_mask(centres) > 0.95] = 3 * MM
    spacing[sitter.part("l-eye", "r-eye")] = 0.35 * MM
    spacing[sitter.part("upper-teeth", "lower-teeth")] = 0.3 * MM
    spacing[sitter.part("tongue")] = 0.9 * MM
    spacing[sitter.torso] = 2.0 * MM
    spacing[body.cloth], spacing[body.band] = 2.2 * MM, 0.8 * MM
    resolution = resolutions(body.vertices, body.faces, spacing)
    drawn = np.concatenate([body.skin, body.shoulders, body.cloth, body.band, inner_parts(sitter)])
    return np.where(np.isin(np.arange(len(resolution)), drawn), resolution, 1)


def inner_parts(sitter: Sitter) -> Ints:
    """Triangles of eyes, teeth and tongue."""
    return sitter.part("l-eye", "r-eye", "upper-teeth", "lower-teeth", "tongue")


def _eye_painter(sitter: Sitter, look: Look, group: str, outward: float) -> Painter:
    def painter(spots: Spots) -> Floats:
        centre, radius = sitter.eye(group)
        gaze = gaze_of(outward)
        points = at_spots(sitter.rest.vertices, sitter.faces, spots)
        normals = normalised(points - centre)
        ring = from_pupil(normals, gaze, radius) / IRIS
        albedo = eye_albedo(points, normals, gaze, ring, look) * 0.86
        albedo = redder_corner(albedo, normals, outward)
        cornea = smoothstep(1.15, 0.95, ring)
        return np.column_stack([albedo, 0.012 + 0.012 * cornea, 260 + 700 * cornea])

    return painter


def _teeth_painter(sitter: Sitter, group: str) -> Painter:
    def painter(spots: Spots) -> Floats:
        mm = sitter.millimetres(spots)
        along, tooth, across, gap = tooth_position(mm, group)
        gum, height = gum_line(sitter, mm, along, across, group)
        albedo = mix(np.tile(ENAMEL, (len(mm), 1)), ENAMEL_NECK, 0.6 * smoothstep(0.4, 1.1, height))
        rounded = 1 - 0.22 * np.abs(across) ** 2.5 * (1 - gum)
        parted = 1 - 0.42 * bell(gap, 0.32) * (1 - gum)
        albedo *= (rounded * parted * (1 + 0.04 * (tooth % 2)))[:, None]
        albedo = mix(albedo * REDDENED, GUM, gum)
        deep = smoothstep(90, 45, mm[:, 2])
        albedo *= (1 - 0.5 * deep)[:, None]
        return np.column_stack([albedo, 0.030 - 0.012 * gum, np.full(len(mm), 70.0)])

    return painter


def _tongue(sitter: Sitter, spots: Spots) -> Floats:
    mm = sitter.millimetres(spots)
    x, _, z = mm.T
    uneven = 1 + 0.12 * fractal_noise(mm * MM, 260, 2, 60) + 0.08 * value_noise(mm * MM, 900, 61)
    groove = 1 - 0.25 * bell(x, 1.8) * smoothstep(35, 65, z)
    albedo = TONGUE * (uneven * groove * (1 - 0.6 * smoothstep(60, 25, z)))[:, None]
    return np.column_stack([albedo, np.full(len(mm), 0.03), np.full(len(mm), 40.0)])


def _cloth(body: Body, look: Look, spots: Spots) -> Floats:
    points = at_spots(body.vertices, body.faces, spots)
    turn, _ = _knit_place(body, spots, body.cloth)
    knit = np.sin(turn * 2.4 * RIBS) * np.sin(points[:, 1] * 2 * np.pi / (4.4 * MM))
    tint = 1 + 0.06 * knit + 0.08 * fractal_noise(points, 60, 3, 80)
    return _matt(linear(look.cloth) * tint[:, None])


def _band(body: Body, look: Look, spots: Spots) -> Floats:
    turn, down = _knit_place(body, spots, body.band)
    tint = 1 + 0.20 * np.sin(turn * RIBS) * smoothstep(0.0, 0.3, down)
    tint *= 0.45 + 0.55 * smoothstep(0.05, 0.3, down)  # the inside
    tint *= 1 - 0.35 * smoothstep(0.85, 1.0, down)  # the seam
    return _matt(linear(look.cloth) * tint[:, None])


def _knit_place(body: Body, spots: Spots, part: Ints) -> tuple[Floats, Floats]:
    """Angle round the neck in radians and share of the way down a lofted part, both [N]."""
    first = int(body.faces[part].min())
    rows = (int(body.faces[part].max()) + 1 - first) // COLUMNS
    faces = body.faces[spots.triangles]
    turn = (turn_of(faces, first) * spots.weights).sum(1)
    return turn, (((faces - first) // COLUMNS) * spots.weights).sum(1) / (rows - 1)


def _matt(albedo: Floats) -> Floats:
    return np.column_stack([albedo, np.full(len(albedo), 0.004), np.full(len(albedo), 8.0)])
