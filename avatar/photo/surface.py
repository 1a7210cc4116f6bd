"""Colours of skin and clothes from the photos, and Gaussians that have them.

Which colours of skin that a photo shows askew are the skin's own.

Along a head's outline a photo shows the light from behind, and what belongs to hair, collar or
background wherever the fitted form is a few millimetres off. Skin that is seen squarely says what
colours to expect there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from avatar.geometry.vectors import MM, Bools, Floats, Ints, mix, smoothstep
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed, in_own_light, joined
from avatar.people.complexion import skin_radiance
from avatar.people.layer import discs
from avatar.people.masks import ear_mask
from avatar.people.skin import OpenSkin, place_skin, skin_discs, under_discs
from avatar.people.subject import Subject
from avatar.people.surface import Spots, even_spots, smooth_points
from avatar.photo.project import (
    Part,
    View,
    cloth_mask,
    invented,
    sampled,
    skin_mask,
    visible_spots,
    weight_of,
)
from avatar.photo.project import painted as all_painted
from avatar.photo.robust_fill import (
    FAR,
    FEWEST,
    filled,
    logarithms,
    robust_mean,
    seamless,
    together,
    trimmed_fit,
)
from avatar.photo.subject import Scene, eye_light, mirrored_spots, world_normals

ASKEW, PLAIN = 0.35, 0.6  # cosines to the view: below colours are doubted, above believed
USUAL, ODD = FAR, 4.0  # deviations from what is expected: believed, and not at all
RIDGE = 20.0  # of the light, in places


def without_odd(told: Observed, normals: Floats, facing: Floats) -> Observed:
    """What is told, less what is seen askew in colours that skin does not have.

    The logarithm of a colour is expected to be linear in the normal (light from the front and
    slow falls to the sides), with deviations as large as they are where skin is seen.

    normals [N, 3], in the world; facing [N]: their cosines to the view.
    """
    if (told.weight > 0.5).sum() < FEWEST:
        return told
    doubt = smoothstep(USUAL, ODD, _deviations(told, normals))
    askew = 1 - smoothstep(ASKEW, PLAIN, facing)
    return Observed(told.values, told.weight * (1 - doubt * askew))


def _deviations(told: Observed, normals: Floats) -> Floats:
    """How many deviations [N] colours are away from those that are expected."""
    bands = np.column_stack([np.ones(len(normals)), normals])
    ridge = RIDGE * np.diag([0.0, 1, 1, 1])
    return trimmed_fit(logarithms(told.values[:, :3]), bands, told.weight, ridge)[1]


FINER = 0.72  # of the portrait's spacing on the face
CLOTH = 2.2 * MM  # spacing on the clothes
FACE_ASKEW = np.array([[0.2, 0.5]])  # cosines to the view from which skin counts, and fully
SIDE_ASKEW = np.array([[0.25, 0.55]])  # the same at the sides of the head
EAR_ASKEW = np.array([[0.6, 0.85]])  # and of ears, whose form is the mean's
ASIDE, BEHIND = (38, 52), (50, 70)  # millimetres on the mean head: from the face to its sides
JAW = 2 / 3  # by how much it falls from below the ear for each millimetre to the front
NECK = (-50, -35)  # millimetres of height below the ear: from the neck to the head
DEEPEST = 0.5  # of the light, in the deepest crevices of the skin
OPEN_SKY = 0.45  # share of the sky that skin sees where nothing is beside it
CREVICE_BIAS = 1.5 * MM
REDDENED = np.array([0.7, 1.0, 1.1])
MOST = 1.2, 2.0  # deviations from seen skin's mean: of what is not seen, and what is mirrored
FAR_SKIN = 1e-3  # pull of the colours that untold skin has come with
OUTSIDE = 0.3  # of the person's matte, below which a photo shows that there is nothing


@dataclass(frozen=True)
class Painted:
    """The skin with its colours, and how much of them the photos told."""

    skin: OpenSkin
    radiance: Floats  # [N, 3]
    told: Floats  # [N] by the photos themselves, in [0, 1]
    mirrored: Floats  # [N] by them and by the other side, in [0, 1]


def paint_skin(scene: Scene) -> Painted:
    """All skin of the sitter, in the light of the photos."""
    sitter, studio = scene.sitter, scene.studio
    light = studio.light
    skin = place_skin(sitter, light.rest, light.stretched, studio.rng, FINER)
    own, both = told_of(scene, skin.spots, sitter.skin, partial(skin_told, sitter))
    rgb = filled(both, skin.points, skin.normals, studio.rng, usual=FAR_SKIN)
    rgb = mix(robust_mean(rgb, own, np.interp(both.weight, [0, 1], MOST)), rgb, own.weight)
    rgb = mix(rgb * _crevices(scene, skin), rgb, both.weight)
    inside = smoothstep(0.3, 0.8, skin.inner_mouth)
    lining = skin_radiance(studio, skin) * eye_light(scene.views[0].photo.seen)
    radiance = mix(untoned(rgb), lining, inside)
    return Painted(skin, radiance, own.weight, both.weight)


def skin_parts(scene: Scene, painted: Painted) -> list[Part]:
    """Discs of the skin, and larger ones beneath."""
    sitter = scene.sitter
    outer = skin_discs(sitter, painted.skin, painted.radiance)
    under = under_discs(scene.studio, painted.skin, painted.radiance)
    outside = painted.skin.inner_mouth < 0.3
    told = all_painted(outer, painted.told, painted.mirrored)
    follows = mix(told.follows[:, None], painted.told[:, None] ** 2, beside_face(painted.skin.mm))
    return [
        replace(told, follows=follows[:, 0] * outside * (1 - painted.skin.lips)),
        invented(under, 0.0),
    ]


def told_of(
    scene: Scene, spots: Spots, triangles: Ints, told: Callable[[View, Spots], Observed]
) -> tuple[Observed, Observed]:
    """What the photos tell of spots on some triangles [m], by themselves and by their mirrored
    places."""
    other = mirrored_spots(scene.sitter, spots, triangles)
    own, there = (together([told(view, each) for view in scene.views]) for each in (spots, other))
    first = scene.views[0]
    normals = (world_normals(first, spots), world_normals(first, other))
    there = in_own_light(own, there, *normals)
    points, outwards = smooth_points(scene.sitter.rest, spots)
    return own, joined(own, seamless(own, there, points, outwards))


def skin_told(sitter: Subject, view: View, spots: Spots) -> Observed:
    """What a photo tells of skin: nothing from where it shows no skin, of what it shows askew no
    colours that skin does not have, and of the ears only what it shows squarely."""
    there = visible_spots(view, spots)
    seen = view.photo.seen
    mm = sitter.millimetres(spots)
    beside = beside_face(mm)
    askew = mix(mix(FACE_ASKEW, SIDE_ASKEW, beside), EAR_ASKEW, ear_mask(mm))
    told = Observed(
        sampled(seen.picture, there.pixels), weight_of(there, skin_mask(seen), *askew.T)
    )
    return without_odd(told, world_normals(view, spots), there.facing)


def beside_face(mm: Floats) -> Floats:
    """The sides of the head [N] in [0, 1], from points [N, 3] on the mean head in millimetres:
    where a photo shows the outline, and the skin has no features. Not the neck, which takes the
    colours of the collar before it."""
    x, y, z = mm.T
    side = np.maximum(1 - smoothstep(*BEHIND, z), smoothstep(*ASIDE, np.abs(x)))
    return side * smoothstep(*NECK, y + JAW * np.maximum(z, 0))


def _cloth_told(view: View, spots: Spots) -> Observed:
    there = visible_spots(view, spots)
    seen = view.photo.seen
    return Observed(sampled(seen.picture, there.pixels), weight_of(there, cloth_mask(seen)))


def _crevices(scene: Scene, skin: OpenSkin) -> Floats:
    """How much of the light around reaches skin [N, 3] that lies hidden, in sRGB; red light, which
    its surroundings throw back, falls less."""
    sky = scene.studio.light.at_rest(skin.points, CREVICE_BIAS).mean(1)
    return (DEEPEST + (1 - DEEPEST) * np.clip(sky / OPEN_SKY, 0, 1))[:, None] ** REDDENED


def clothes_part(scene: Scene) -> Part:
    """Clothes on the torso, without what a photo shows not to be there."""
    sitter, rng = scene.sitter, scene.studio.rng
    spots = even_spots(sitter.rest, sitter.torso, CLOTH, rng)
    points, normals = smooth_points(sitter.rest, spots)
    own, both = told_of(scene, spots, sitter.torso, _cloth_told)
    rgb = filled(both, points, normals, rng, grain=0.0)
    kept = ~_beyond_outline(scene, spots)
    owners = sitter.owners[spots.triangles]
    made = discs(points, normals, spots.spacing * 0.75, 0.18, untoned(rgb), 0.97, owners)
    return all_painted(made, own.weight, both.weight)[kept]


def _beyond_outline(scene: Scene, spots: Spots) -> Bools:
    """[N] true where a photo shows that nothing of the person is."""
    outside = np.zeros(len(spots), bool)
    for view in scene.views:
        there = visible_spots(view, spots)
        nothing = sampled(view.photo.seen.person, there.pixels) < OUTSIDE
        outside |= there.clear & nothing
    return outside
