"""Samples of the skin with the masks that painters need, and the discs made of them."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Bools, Floats, Ints, disc_axes, smoothstep
from avatar.heads.head import LOWER_LID, UPPER_LID
from avatar.lighting.occlusion import Shadows
from avatar.people import masks
from avatar.people.layer import Layer, discs, layer
from avatar.people.masks import ear_mask, face_mask, head_mask, lip_mask, scalp_mask
from avatar.people.shading import Studio
from avatar.people.subject import Subject
from avatar.people.surface import (
    Mesh,
    Spots,
    at_spots,
    even_spots,
    skinned,
    skinned_discs,
    smooth_points,
)

DARK = 0.10  # share of the sky: what sees less with the mouth shut is inside it


@dataclass(frozen=True)
class Skin:
    """Samples of the skin."""

    spots: Spots
    points: Floats  # [N, 3] resting
    normals: Floats  # [N, 3]
    mm: Floats  # [N, 3] on the mean head, millimetres
    sizes: Floats  # [N] metres to the neighbours
    scalp: Floats  # [N] masks in [0, 1] from here on
    lips: Floats  # [N]
    ears: Floats  # [N]
    lids: Floats  # [N]
    inner_mouth: Floats  # [N]


def described(subject: Subject, spots: Spots, inner: Bools) -> Skin:
    """The skin at spots [N]; inner [V]: vertices inside the mouth."""
    points, normals = smooth_points(subject.rest, spots)
    mm = subject.millimetres(spots)
    inside = at_spots(inner.astype(float), subject.faces, spots)
    return Skin(
        spots=spots,
        points=points,
        normals=normals,
        mm=mm,
        sizes=spots.spacing,
        scalp=masks.scalp_mask(mm) * (1 - smoothstep(0.2, 0.6, inside)),
        lips=masks.lip_mask(mm) * (1 - smoothstep(0.3, 0.8, inside)),
        ears=masks.ear_mask(mm),
        lids=np.clip(at_spots(subject.blink, subject.faces, spots) / (9 * MM), 0, 1),
        inner_mouth=inside,
    )


def inside_mouth(subject: Subject, at_rest: Shadows) -> Bools:
    """Vertices [V] behind the lips that see next to no sky while the mouth is shut."""
    inner = np.zeros(len(subject.rest.vertices), bool)
    region = subject.head.regions["inner_mouth"].numpy()
    inner[region] = at_rest.visible(subject.rest.vertices[region], 2 * MM).mean(1) < DARK
    return inner


SPACING_BODY, SPACING_FACE, SPACING_FINE = 2.3 * MM, 1.24 * MM, 0.84 * MM
SPACING_MARGIN, MARGIN = 0.5 * MM, 1.5  # at the edges of lids, and so many mm beside them
SPACING_EAR, SPACING_SCALP, SPACING_MOUTH = 1.1 * MM, 4.0 * MM, 1.6 * MM
LID = 1.2 * MM  # a vertex that blinks move more belongs to the lids
FLATNESS = 0.18  # thickness of a disc against its radius
UNDER_DEPTH = 1.2 * MM


@dataclass(frozen=True)
class OpenSkin(Skin):
    """Samples of the skin that are also known in the stretched shape: jaw open, eyes shut."""

    open_points: Floats  # [N, 3]
    open_normals: Floats  # [N, 3]
    inner_vertices: Bools  # [V] the mesh's vertices inside the mouth


def place_skin(
    subject: Subject,
    at_rest: Shadows,
    stretched: Shadows,
    rng: np.random.Generator,
    finer: float = 1.0,
    sides: float = SPACING_BODY,
    scalp: float = SPACING_SCALP,
) -> OpenSkin:
    """Even samples of all skin that can be seen at rest, with open jaw or with shut eyes.

    They are spread over the stretched shape, so that no fold opens with gaps. finer: factor on
    their spacing on the face; sides, scalp: their spacing beside it and on the scalp, metres.
    """
    inner = inside_mouth(subject, at_rest)
    spacing = _spacing(subject, inner, finer, sides, scalp)
    spots = _bare_spots(subject, subject.stretched, subject.skin, spacing, rng)
    spots = spots[~_hidden(subject, spots, inner, at_rest, stretched)]
    open_points, open_normals = smooth_points(subject.stretched, spots)
    _, growth, _ = skinned(subject.stretched, subject.rest, spots.triangles)
    known = vars(described(subject, spots, inner))
    known["sizes"] = spots.spacing * np.clip(growth, 0.8, 1.6)
    return OpenSkin(
        **known, open_points=open_points, open_normals=open_normals, inner_vertices=inner
    )


def _spacing(
    subject: Subject, inner_mouth: Bools, finer: float, sides: float, scalp: float
) -> Floats:
    """Wished spacing per vertex [V] in metres."""
    mm = subject.painted.vertices / MM
    spacing = SPACING_BODY + (sides - SPACING_BODY) * head_mask(mm)
    spacing = spacing + (SPACING_FACE * finer - spacing) * face_mask(mm)
    fine = (lip_mask(mm) > 0.2) | (subject.blink > LID)
    spacing = np.where(fine, np.minimum(spacing, SPACING_FINE), spacing)
    spacing = np.where(inner_mouth, SPACING_MOUTH, spacing)
    margins = mm[[*UPPER_LID, *LOWER_LID]]
    margins = np.concatenate([margins, margins * [-1, 1, 1]])
    spacing = np.where(KDTree(margins).query(mm)[0] < MARGIN, SPACING_MARGIN, spacing)
    ear = SPACING_BODY if subject.ears_covered else SPACING_EAR
    spacing = np.where(ear_mask(mm) > 0.5, ear, spacing)
    return np.where(scalp_mask(mm) > 0.95, scalp, spacing)


DARTS = 24  # for each spot of skin, under which it is dark


def _bare_spots(
    subject: Subject, shape: Mesh, skin: Ints, spacing: Floats, rng: np.random.Generator
) -> Spots:
    """Even spots on the head's triangles `skin` and on what clothes leave free of the torso."""
    parts = (skin, subject.bare)
    return concatenated(
        [even_spots(shape, part, spacing, rng, DARTS) for part in parts if len(part)]
    )


def _hidden(
    subject: Subject, spots: Spots, inner_mouth: Bools, at_rest: Shadows, stretched: Shadows
) -> Bools:
    """Spots that are never seen: the inside of the lids (they would show as specks), the depths of
    the nose, and those of the mouth, also above the upper teeth where the cheek is thin."""
    points, normals = smooth_points(subject.rest, spots)
    open_points = at_spots(subject.stretched.vertices, subject.faces, spots)
    open_normals = at_spots(subject.stretched.normals, subject.faces, spots)
    sky = np.maximum(
        at_rest.visible(points, 1.2 * MM).mean(1), stretched.visible(open_points, 1.2 * MM).mean(1)
    )
    x, y, z = subject.millimetres(spots).T
    in_nose = (np.abs(x) < 22) & (np.abs(y + 18) < 16) & (z > 62)
    hidden = (sky < 0.004) & (z < 75) | (sky < 0.025) & in_nose
    above_teeth = (at_spots(inner_mouth.astype(float), subject.faces, spots) > 0.5) & (y > -42)
    hidden |= above_teeth & (sky < 0.03)
    for group in ("l-eye", "r-eye"):
        centre, radius = subject.eye(group)
        outward = points - centre
        distance = np.linalg.norm(outward, axis=1)
        inward = (normals * outward).sum(1) / distance < -0.15
        stays_inward = (open_normals * (open_points - centre)).sum(1) < 0
        hidden |= (distance < radius + 6 * MM) & inward & stays_inward
        hidden |= (distance < radius + 7.5 * MM) & (sky < 0.05)
    return hidden


def skin_discs(subject: Subject, skin: OpenSkin, radiance: Floats) -> Layer:
    """Discs of the skin. Lids and folds take position and tilt from the stretched shape."""
    soft = np.clip(np.maximum(skin.lips, np.maximum(3 * skin.lids, skin.ears)), 0, 1)
    sigma = skin.sizes * (0.78 + 0.17 * soft + 0.08 * skin.lips + 0.1 * skin.inner_mouth)
    back, turned, growth = skinned_discs(subject.stretched, subject.rest, skin.spots)
    folded = (skin.lids > 0.03) | ((growth < 0.85) & (skin.mm[:, 2] > 70))
    return layer(
        means=np.where(folded[:, None], back, skin.points),
        axes=np.where(folded[:, None, None], turned, disc_axes(skin.normals)),
        scales=(sigma, sigma * FLATNESS, sigma),
        radiance=radiance,
        opacities=np.where(np.maximum(skin.lips, skin.inner_mouth) > 0.2, 0.985, 0.96),
        triangles=skin.spots.triangles,
    )


def under_discs(studio: Studio, skin: OpenSkin, radiance: Floats) -> Layer:
    """Larger discs below the skin that close the gaps between its samples.

    There are none under lips, lids, ears and mouth, where they would show at the rim.
    """
    subject = studio.subject
    mm = subject.painted.vertices / MM
    spacing = np.where(face_mask(mm) > 0.3, 2.5 * MM, 3.6 * MM)
    spacing = np.where(scalp_mask(mm) > 0.95, 5.5 * MM, spacing)
    thin = (ear_mask(mm) > 0.05) | (lip_mask(mm) > 0.02) | (subject.blink > 1.2 * LID)
    thin |= skin.inner_vertices
    plain = subject.skin[~thin[subject.faces[subject.skin]].any(1)]
    spots = _bare_spots(subject, subject.rest, plain, spacing, studio.rng)
    points, normals = smooth_points(subject.rest, spots)
    facing = 4 * MM  # so that the lining of a fold takes no colour from its other side
    tree = KDTree(np.column_stack([skin.points, skin.normals * facing]))
    neighbours = tree.query(np.column_stack([points, normals * facing]), 6)[1]
    light = radiance[neighbours].mean(1)
    beneath = points - normals * UNDER_DEPTH
    return discs(beneath, normals, spots.spacing * 0.8, FLATNESS, light, 0.98, spots.triangles)
