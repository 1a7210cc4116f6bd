"""Textures of the mesh: skin with its colour and gloss, lid rims, eyes, teeth and tongue."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats, Ints, bell, mix, normalised, smoothstep
from avatar.geometry.zbuffer import project_parallel, rasterize
from avatar.people import masks
from avatar.people.brows import brow_roots
from avatar.people.complexion import oiliness, skin_albedo
from avatar.people.eyes import IRIS, SIDES, eye_albedo, from_pupil, gaze_of, redder_corner
from avatar.people.masks import fractal_noise, value_noise
from avatar.people.shading import linear
from avatar.people.skin import Skin, described
from avatar.people.subject import Look, Subject
from avatar.people.surface import Spots, at_spots
from avatar.people.torso import COLUMNS
from research.captures.body import Body, turn_of
from research.captures.teeth import ENAMEL, ENAMEL_NECK, GUM, TONGUE, gum_line, tooth_position
from research.captures.texture import Texture, painted, resolutions, texel_places

HALF_WIDTH, PIXEL = 22 * MM, 0.15 * MM  # of the picture in which the opening is found
SHUTS = 0.35  # share of the lid's longest way that a point of the upper lid goes down in a blink


@dataclass(frozen=True)
class Rim:
    """Points close together round the opening of one eye at rest."""

    points: Floats  # [n, 3]
    triangles: Ints  # [n] of the head's mesh, on the lid
    upper: Bools  # [n] on the upper lid


def lid_rim(subject: Subject, side: str) -> Rim:
    """The rim of one eye, l or r: where lid meets eyeball, seen straight from the front."""
    centre, _ = subject.eye(f"{side}-eye")
    triangles = np.concatenate([subject.part(f"{side}-eye"), subject.skin])
    faces = subject.faces[triangles]
    size = round(2 * HALF_WIDTH / PIXEL)
    projected = project_parallel(np.eye(3), subject.rest.vertices - centre, size * PIXEL / 2, size)
    drawn = rasterize(projected, faces, size, size, -np.inf)
    ball = (drawn.faces >= 0) & (drawn.faces < len(subject.part(f"{side}-eye")))
    rows, columns = np.nonzero(np.asarray(binary_dilation(ball), bool) & ~ball & (drawn.faces >= 0))
    seen = triangles[drawn.faces[rows, columns]]
    places = (np.stack([columns, rows], axis=1) + 0.5 - size / 2) * PIXEL
    points = centre + np.column_stack([places, drawn.nearness[rows, columns]])
    blink = subject.head.unit("eyeBlinkLeft" if side == "l" else "eyeBlinkRight").numpy()
    down = -blink[subject.faces[seen], 1].mean(1)
    return Rim(points, seen, down > SHUTS * down.max())


FRECKLE_SPACING = 1.24 * MM  # of the samples for which the density of freckles is meant
LID_LINE, LID_RED = linear((58, 40, 34)), linear((190, 120, 110))


def paint_skin(skin: Skin, subject: Subject, look: Look, rng: np.random.Generator) -> Floats:
    """Texels [N, 5] of the skin: linear albedo, gloss, exponent."""
    rare = float(np.mean(skin.spots.spacing**2)) / FRECKLE_SPACING**2
    albedo = skin_albedo(skin, replace(look, freckles=look.freckles * rare), rng)
    albedo *= 1 + 0.05 * value_noise(skin.mm * MM, 900, 70)[:, None]  # pores
    albedo = mix(albedo, linear(look.hair) * 0.6, 0.35 * _brow_shade(skin, look))
    albedo = _lid_lines(albedo, skin, subject, look)
    return np.column_stack([albedo, *_shine(skin)])


def _brow_shade(skin: Skin, look: Look) -> Floats:
    """The skin between the hairs of the brows [N]."""
    along = np.linspace(0, 1, 60)
    line = brow_roots(along, np.zeros(60), look)
    place = np.column_stack([np.abs(skin.mm[:, 0]), skin.mm[:, 1]])
    distance, nearest = KDTree(line).query(place)
    width = 2.3 * look.brow_weight * (1 - 0.6 * along[nearest] ** 1.6)
    return bell(distance / width, 0.75) * smoothstep(50, 65, skin.mm[:, 2])


def _lid_lines(albedo: Floats, skin: Skin, subject: Subject, look: Look) -> Floats:
    """The dark line at the roots of the upper lashes, the red one of the lower lid's edge."""
    for side in "lr":
        rim = lid_rim(subject, side)
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


Painter = Callable[[Spots], Floats]
"""Texels [N, 5] of spots [N]: linear red, green, blue, gloss, exponent of the highlight."""

RIBS = 90
REDDENED = (1.08, 0.98, 0.96)  # enamel, by the light of gums and lips
CHANNELS = 5


def paint(body: Body, look: Look, inner: Bools, rng: np.random.Generator) -> Texture:
    """The texture of a body; inner [V]: vertices inside the mouth."""
    subject = body.subject
    resolution = _resolution(body)
    on, weights = texel_places(resolution)
    corners = body.vertices[body.faces]
    apart = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1) / resolution
    texels = np.zeros((len(on), CHANNELS))
    bare = np.concatenate([body.skin, body.shoulders])
    painters: list[tuple[Ints, Painter]] = [
        (bare, lambda spots: paint_skin(described(subject, spots, inner), subject, look, rng)),
        (subject.part("tongue"), lambda spots: _tongue(subject, spots)),
        (body.cloth, lambda spots: _cloth(body, look, spots)),
        (body.band, lambda spots: _band(body, look, spots)),
    ]
    for group, outward in SIDES:
        painters.append((subject.part(group), _eye_painter(subject, look, group, outward)))
    for group in ("upper-teeth", "lower-teeth"):
        painters.append((subject.part(group), _teeth_painter(subject, group)))
    for triangles, painter in painters:
        rows = np.flatnonzero(np.isin(on, triangles))
        texels[rows] = painter(Spots(on[rows], weights[rows], apart[on[rows]]))
    return painted(resolution, texels)


def _resolution(body: Body) -> Ints:
    """Segments [M] of each triangle's side; one where nothing is painted."""
    subject = body.subject
    spacing = np.full(len(body.faces), 2.0 * MM)
    centres = subject.painted.vertices[subject.faces].mean(1) / MM
    face, count = masks.face_mask(centres), len(centres)
    spacing[:count] = 1.4 * MM - 0.75 * MM * face
    fine = (subject.blink[subject.faces].max(1) > 1.2 * MM) | (masks.lip_mask(centres) > 0.05)
    spacing[:count][fine] = 0.5 * MM
    spacing[:count][masks.scalp_mask(centres) > 0.95] = 3 * MM
    spacing[subject.part("l-eye", "r-eye")] = 0.35 * MM
    spacing[subject.part("upper-teeth", "lower-teeth")] = 0.3 * MM
    spacing[subject.part("tongue")] = 0.9 * MM
    spacing[subject.torso] = 2.0 * MM
    spacing[body.cloth], spacing[body.band] = 2.2 * MM, 0.8 * MM
    resolution = resolutions(body.vertices, body.faces, spacing)
    drawn = np.concatenate([body.skin, body.shoulders, body.cloth, body.band, inner_parts(subject)])
    return np.where(np.isin(np.arange(len(resolution)), drawn), resolution, 1)


def inner_parts(subject: Subject) -> Ints:
    """Triangles of eyes, teeth and tongue."""
    return subject.part("l-eye", "r-eye", "upper-teeth", "lower-teeth", "tongue")


def _eye_painter(subject: Subject, look: Look, group: str, outward: float) -> Painter:
    def painter(spots: Spots) -> Floats:
        centre, radius = subject.eye(group)
        gaze = gaze_of(outward)
        points = at_spots(subject.rest.vertices, subject.faces, spots)
        normals = normalised(points - centre)
        ring = from_pupil(normals, gaze, radius) / IRIS
        albedo = eye_albedo(points, normals, gaze, ring, look) * 0.86
        albedo = redder_corner(albedo, normals, outward)
        cornea = smoothstep(1.15, 0.95, ring)
        return np.column_stack([albedo, 0.012 + 0.012 * cornea, 260 + 700 * cornea])

    return painter


def _teeth_painter(subject: Subject, group: str) -> Painter:
    def painter(spots: Spots) -> Floats:
        mm = subject.millimetres(spots)
        along, tooth, across, gap = tooth_position(mm, group)
        gum, height = gum_line(subject, mm, along, across, group)
        albedo = mix(np.tile(ENAMEL, (len(mm), 1)), ENAMEL_NECK, 0.6 * smoothstep(0.4, 1.1, height))
        rounded = 1 - 0.22 * np.abs(across) ** 2.5 * (1 - gum)
        parted = 1 - 0.42 * bell(gap, 0.32) * (1 - gum)
        albedo *= (rounded * parted * (1 + 0.04 * (tooth % 2)))[:, None]
        albedo = mix(albedo * REDDENED, GUM, gum)
        deep = smoothstep(90, 45, mm[:, 2])
        albedo *= (1 - 0.5 * deep)[:, None]
        return np.column_stack([albedo, 0.030 - 0.012 * gum, np.full(len(mm), 70.0)])

    return painter


def _tongue(subject: Subject, spots: Spots) -> Floats:
    mm = subject.millimetres(spots)
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
