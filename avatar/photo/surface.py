"""Gaussians of skin and clothes in the colours of the photos.

Along a head's outline a photo shows the light from behind, and hair, collar or background wherever
the fitted shape is a few millimetres off. Colours at such grazing angles are rejected where they
are outliers of those that the skin has where it is seen squarely.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from avatar.geometry.vectors import MM, Bools, Floats, Ints, mix, smoothstep
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed
from avatar.people.complexion import lit
from avatar.people.masks import ear_mask, jaw_fall
from avatar.people.skin import SPACING_SCALP, OpenSkin, place_skin, skin_discs, under_discs
from avatar.people.subject import Subject
from avatar.people.surface import Spots, at_spots
from avatar.people.textured import texture_positions
from avatar.photo.cloth_matte import near_cloth, skin_mask
from avatar.photo.clothes import collar, within_outline
from avatar.photo.completion import (
    MOST_HUE,
    MOST_HUE_WITHIN,
    RIDGE,
    Form,
    blended,
    cells_of,
    expected_light,
    fine_detail,
    learnt_change,
    load_completion,
    nearest_skin,
)
from avatar.photo.project import (
    Part,
    View,
    glasses_mask,
    invented_part,
    observed_part,
    sampled,
    visible_spots,
    weight_of,
)
from avatar.photo.robust_fill import (
    FAR,
    FEWEST,
    OUTLIER,
    logarithms,
    trimmed_fit,
)
from avatar.photo.subject import Scene, eye_light, observe_spots, world_normals

GRAZING, FRONTAL = 0.35, 0.6  # cosines to the view: below colours are doubted, above believed
UNLIKE_LIDS = (1.0, 2.0)  # the same deviations on lids


def without_outliers(
    observed: Observed, normals: Floats, facing: Floats, folded: Floats
) -> Observed:
    """Observations with less weight for outliers of colour at grazing angles, and on lids for all
    that is unlike skin: a blink would spread lashes and lines over them.

    The logarithm of a colour is expected to be linear in the normal (light from the front and
    slow falls to the sides), with deviations as large as they are where skin is seen.

    normals [N, 3], in the world; facing [N]: their cosines to the view; folded [N]: lids.
    """
    if (observed.weight > 0.5).sum() < FEWEST:
        return observed
    away = _deviations(observed, normals)
    grazing = 1 - smoothstep(GRAZING, FRONTAL, facing)
    doubt = grazing * smoothstep(FAR, OUTLIER, away)
    doubt = np.maximum(doubt, folded * smoothstep(*UNLIKE_LIDS, away))
    return Observed(observed.values, observed.weight * (1 - doubt))


def _deviations(observed: Observed, normals: Floats) -> Floats:
    """How many deviations [N] colours are away from those that are expected."""
    bands = np.column_stack([np.ones(len(normals)), normals])
    ridge = RIDGE * np.diag([0.0, 1, 1, 1])
    return trimmed_fit(logarithms(observed.values[:, :3]), bands, observed.weight, ridge)[1]


FINER = 0.72  # of the portrait's spacing on the face
SIDES = 1.5 * MM  # between samples beside the face
FACE_COSINES = np.array([[0.2, 0.5]])  # cosines to the view from which skin counts, and fully
SIDE_COSINES = np.array([[0.25, 0.55]])  # the same at the sides of the head
EAR_COSINES = np.array([[0.6, 0.85]])  # and of ears, whose form is the mean's
SIDE_WIDTHS, SIDE_DEPTHS = (
    (38, 52),
    (50, 70),
)  # millimetres on the mean head: from the face to its sides
NECK_HEIGHTS = (-50, -35)  # millimetres of height below the ear: from the neck to the head
DEEPEST = 0.25  # of the light, in the deepest crevices of the skin
OPEN_SKY = 0.45  # share of the sky that skin sees where nothing is beside it
CREVICE_BIAS = 1.5 * MM
REDDENED = np.array([0.7, 1.0, 1.1])
PARTLY = 0.5  # weight of observation below which brows and beards fade into plain skin aside
FOLDED = (1 * MM, 3 * MM)  # moved by a blink: lids, which spread over them what is seen of them
LOW = 0.3  # share of the head's pose that the skin at the end of the neck follows at most


@dataclass(frozen=True)
class Painted:
    """The skin with its colours, and weights of how much of them the photos show."""

    skin: OpenSkin
    radiance: Floats  # [N, 3]
    observed: Floats  # [N] by the photos themselves, in [0, 1]
    mirrored: Floats  # [N] by them and by the other side, in [0, 1]
    unlike: Floats  # [N] plain skin: brows, beards, highlights, in [0, 1]
    worn: Bools  # [N] cloth


def paint_skin(scene: Scene, scalp: float = SPACING_SCALP) -> Painted:
    """All skin of the subject, in the light of the photos: where they do not show it, the library's
    skin that comes nearest.

    scalp: spacing of its samples there, metres.
    """
    subject, studio = scene.subject, scene.studio
    light = studio.light
    skin = place_skin(subject, light.rest, light.stretched, studio.rng, FINER, SIDES, scalp)
    own, both = observe_spots(scene, skin.spots, subject.skin, partial(observe_skin, subject))
    seen = Observed(untoned(both.values), both.weight)
    normals = world_normals(scene.views[0], skin.spots)
    turned = skin.open_normals @ scene.views[0].photo.head_pose[:3, :3].double().numpy().T
    folded = _folded(subject, skin.spots)[:, None]
    normals = np.where(folded > 0, turned, normals)
    albedo = nearest_skin(skin, scene.uv, seen, normals, studio.rng)
    sky = _sky(scene, skin)
    expected, alike = expected_light(seen, albedo * crevices(sky), normals)
    cells = cells_of(texture_positions(skin, scene.uv), skin.mm, skin.inner_mouth)
    form = Form(normals, skin.mm, sky, cells)
    change = learnt_change(load_completion(), alike, expected, form)
    plain = (1 - folded) * (1 - skin.lips)[:, None]
    expected = expected + change * plain  # which takes what is around lids and lips for theirs
    beside = beside_face(skin.mm)
    hues = MOST_HUE_WITHIN + (MOST_HUE - MOST_HUE_WITHIN) * beside
    near, beyond = (
        blended(each, expected, skin.points, skin.normals, hues) for each in (seen, alike)
    )
    neck = 1 - smoothstep(*NECK_HEIGHTS, skin.mm[:, 1] + jaw_fall(skin.mm))
    plainer = np.maximum(beside, neck) * (1 - smoothstep(0, PARTLY, both.weight))
    completed = mix(near, beyond, plainer)
    fine = fine_detail(alike, skin.mm, skin.normals, studio.rng)
    completed *= np.exp(fine * plain)
    radiance = mix(completed, seen.values, both.weight)
    worn, cloth = collar(scene, skin, skin.mm[:, 1] + jaw_fall(skin.mm) < NECK_HEIGHTS[1])
    radiance[worn] = cloth[worn]
    inside = smoothstep(0.3, 0.8, skin.inner_mouth)
    lining = lit(studio, skin, albedo) * eye_light(scene.views[0].photo.seen)
    unlike = 1 - alike.weight / np.maximum(both.weight, 1e-6)
    radiance = mix(radiance, lining, inside)
    return Painted(skin, radiance, own.weight, both.weight, unlike * (both.weight > 0), worn)


def skin_parts(scene: Scene, painted: Painted) -> list[Part]:
    """Discs of the skin, and larger ones beneath."""
    subject = scene.subject
    outer = skin_discs(subject, painted.skin, painted.radiance)
    under = under_discs(scene.studio, painted.skin, painted.radiance)
    outside = painted.skin.inner_mouth < 0.3
    part = observed_part(outer, painted.observed, painted.mirrored)
    beside = np.maximum(beside_face(painted.skin.mm), painted.worn)
    follows = mix(part.follows[:, None], painted.observed[:, None] ** 2, beside)[:, 0]
    follows *= 1 - np.maximum(_folded(subject, painted.skin.spots), painted.skin.ears)
    view = scene.views[0]
    cloth = near_cloth(view.photo.seen).astype(float)
    pixels = visible_spots(view, painted.skin.spots).pixels
    clothed = sampled(cloth, pixels)
    framed = sampled(glasses_mask(view.photo.seen).astype(float), pixels)
    follows *= np.where(painted.worn, clothed, 1 - clothed) * (1 - framed)
    part = replace(part, follows=follows * outside * (1 - painted.skin.lips))
    below = np.concatenate([subject.bare, _low_neck(subject)])
    parts = [part, invented_part(under, 0.0)]
    return [
        within_outline(scene, each, np.isin(each.layer.triangles, below), 0.0) for each in parts
    ]


def _low_neck(subject: Subject) -> Ints:
    """Triangles [m] of the head's skin that mostly stay with the torso."""
    low = subject.head.pose_weights.numpy() < LOW
    return subject.skin[low[subject.faces[subject.skin]].all(1)]


def observe_skin(subject: Subject, view: View, spots: Spots) -> Observed:
    """What a photo shows of skin: nothing where hair, eyes or mouth are, no outliers at grazing
    angles, and of the ears only what it shows squarely."""
    there = visible_spots(view, spots)
    seen = view.photo.seen
    mm = subject.millimetres(spots)
    beside = beside_face(mm)
    grazing = mix(mix(FACE_COSINES, SIDE_COSINES, beside), EAR_COSINES, ear_mask(mm))
    observed = Observed(
        sampled(seen.picture, there.pixels), weight_of(there, skin_mask(seen), *grazing.T)
    )
    folded = _folded(subject, spots)
    return without_outliers(observed, world_normals(view, spots), there.facing, folded)


def _folded(subject: Subject, spots: Spots) -> Floats:
    """Lids [N] in [0, 1], by how far a blink moves them."""
    return smoothstep(*FOLDED, at_spots(subject.blink, subject.faces, spots))


def beside_face(mm: Floats) -> Floats:
    """The sides of the head [N] in [0, 1], from points [N, 3] on the mean head in millimetres:
    where a photo shows the outline, and the skin has no features. Not the neck, which takes the
    colours of the collar before it."""
    x, y, z = mm.T
    side = np.maximum(1 - smoothstep(*SIDE_DEPTHS, z), smoothstep(*SIDE_WIDTHS, np.abs(x)))
    return side * smoothstep(*NECK_HEIGHTS, y + jaw_fall(mm))


def _sky(scene: Scene, skin: OpenSkin) -> Floats:
    """Which share of the sky skin [N] sees; of lids at least as much as when they are shut."""
    light = scene.studio.light
    sky = light.at_rest(skin.points, CREVICE_BIAS).mean(1)
    shut = light.when_stretched(skin.open_points, CREVICE_BIAS).mean(1)
    return np.where(_folded(scene.subject, skin.spots) > 0, np.maximum(sky, shut), sky)


def crevices(sky: Floats) -> Floats:
    """How much of the light around reaches skin [N, 3] that sees a share [N] of the sky; red light,
    which its surroundings throw back, falls less."""
    return (DEEPEST + (1 - DEEPEST) * np.clip(sky / OPEN_SKY, 0, 1))[:, None] ** REDDENED
