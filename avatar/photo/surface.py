"""Gaussians of skin and clothes in the colours of the photos.

Along a head's outline a photo shows the light from behind, and hair, collar or background wherever
the fitted shape is a few millimetres off. Colours at such grazing angles are rejected where they
are outliers of those that the skin has where it is seen squarely.
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
    invented_part,
    observed_part,
    sampled,
    skin_mask,
    visible_spots,
    weight_of,
)
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

GRAZING, FRONTAL = 0.35, 0.6  # cosines to the view: below colours are doubted, above believed
PLAUSIBLE, OUTLIER = FAR, 4.0  # deviations from what is expected: believed, and not at all
RIDGE = 20.0  # of the light, in samples


def without_grazing_outliers(observed: Observed, normals: Floats, facing: Floats) -> Observed:
    """Observations with less weight for outliers of colour at grazing angles.

    The logarithm of a colour is expected to be linear in the normal (light from the front and
    slow falls to the sides), with deviations as large as they are where skin is seen.

    normals [N, 3], in the world; facing [N]: their cosines to the view.
    """
    if (observed.weight > 0.5).sum() < FEWEST:
        return observed
    doubt = smoothstep(PLAUSIBLE, OUTLIER, _deviations(observed, normals))
    grazing = 1 - smoothstep(GRAZING, FRONTAL, facing)
    return Observed(observed.values, observed.weight * (1 - doubt * grazing))


def _deviations(observed: Observed, normals: Floats) -> Floats:
    """How many deviations [N] colours are away from those that are expected."""
    bands = np.column_stack([np.ones(len(normals)), normals])
    ridge = RIDGE * np.diag([0.0, 1, 1, 1])
    return trimmed_fit(logarithms(observed.values[:, :3]), bands, observed.weight, ridge)[1]


FINER = 0.72  # of the portrait's spacing on the face
CLOTH = 2.2 * MM  # spacing on the clothes
FACE_COSINES = np.array([[0.2, 0.5]])  # cosines to the view from which skin counts, and fully
SIDE_COSINES = np.array([[0.25, 0.55]])  # the same at the sides of the head
EAR_COSINES = np.array([[0.6, 0.85]])  # and of ears, whose form is the mean's
SIDE_WIDTHS, SIDE_DEPTHS = (
    (38, 52),
    (50, 70),
)  # millimetres on the mean head: from the face to its sides
JAW_SLOPE = 2 / 3  # by how much it falls from below the ear for each millimetre to the front
NECK_HEIGHTS = (-50, -35)  # millimetres of height below the ear: from the neck to the head
DEEPEST = 0.5  # of the light, in the deepest crevices of the skin
OPEN_SKY = 0.45  # share of the sky that skin sees where nothing is beside it
CREVICE_BIAS = 1.5 * MM
REDDENED = np.array([0.7, 1.0, 1.1])
MOST_DEVIATIONS = (
    1.2,
    2.0,
)  # deviations from seen skin's mean: of what is not seen, and what is mirrored
SKIN_PRIOR = 1e-3  # weight of the colours that unobserved skin comes with
OUTSIDE = 0.3  # of the person's matte, below which a photo shows that there is nothing


@dataclass(frozen=True)
class Painted:
    """The skin with its colours, and weights of how much of them the photos show."""

    skin: OpenSkin
    radiance: Floats  # [N, 3]
    observed: Floats  # [N] by the photos themselves, in [0, 1]
    mirrored: Floats  # [N] by them and by the other side, in [0, 1]


def paint_skin(scene: Scene) -> Painted:
    """All skin of the subject, in the light of the photos."""
    subject, studio = scene.subject, scene.studio
    light = studio.light
    skin = place_skin(subject, light.rest, light.stretched, studio.rng, FINER)
    own, both = observe_spots(scene, skin.spots, subject.skin, partial(observe_skin, subject))
    rgb = filled(both, skin.points, skin.normals, studio.rng, prior=SKIN_PRIOR)
    rgb = mix(
        robust_mean(rgb, own, np.interp(both.weight, [0, 1], MOST_DEVIATIONS)), rgb, own.weight
    )
    rgb = mix(rgb * _crevices(scene, skin), rgb, both.weight)
    inside = smoothstep(0.3, 0.8, skin.inner_mouth)
    lining = skin_radiance(studio, skin) * eye_light(scene.views[0].photo.seen)
    radiance = mix(untoned(rgb), lining, inside)
    return Painted(skin, radiance, own.weight, both.weight)


def skin_parts(scene: Scene, painted: Painted) -> list[Part]:
    """Discs of the skin, and larger ones beneath."""
    subject = scene.subject
    outer = skin_discs(subject, painted.skin, painted.radiance)
    under = under_discs(scene.studio, painted.skin, painted.radiance)
    outside = painted.skin.inner_mouth < 0.3
    part = observed_part(outer, painted.observed, painted.mirrored)
    beside = beside_face(painted.skin.mm)
    follows = mix(part.follows[:, None], painted.observed[:, None] ** 2, beside)[:, 0]
    return [
        replace(part, follows=follows * outside * (1 - painted.skin.lips)),
        invented_part(under, 0.0),
    ]


def observe_spots(
    scene: Scene, spots: Spots, triangles: Ints, observe: Callable[[View, Spots], Observed]
) -> tuple[Observed, Observed]:
    """Observations of spots on some triangles [m], by themselves and with their mirrored spots."""
    other = mirrored_spots(scene.subject, spots, triangles)
    own, there = (
        together([observe(view, each) for view in scene.views]) for each in (spots, other)
    )
    first = scene.views[0]
    normals = (world_normals(first, spots), world_normals(first, other))
    there = in_own_light(own, there, *normals)
    points, outwards = smooth_points(scene.subject.rest, spots)
    return own, joined(own, seamless(own, there, points, outwards))


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
    return without_grazing_outliers(observed, world_normals(view, spots), there.facing)


def beside_face(mm: Floats) -> Floats:
    """The sides of the head [N] in [0, 1], from points [N, 3] on the mean head in millimetres:
    where a photo shows the outline, and the skin has no features. Not the neck, which takes the
    colours of the collar before it."""
    x, y, z = mm.T
    side = np.maximum(1 - smoothstep(*SIDE_DEPTHS, z), smoothstep(*SIDE_WIDTHS, np.abs(x)))
    return side * smoothstep(*NECK_HEIGHTS, y + JAW_SLOPE * np.maximum(z, 0))


def _observe_cloth(view: View, spots: Spots) -> Observed:
    there = visible_spots(view, spots)
    seen = view.photo.seen
    return Observed(sampled(seen.picture, there.pixels), weight_of(there, cloth_mask(seen)))


def _crevices(scene: Scene, skin: OpenSkin) -> Floats:
    """How much of the light around reaches skin [N, 3] in crevices, in sRGB; red light, which
    its surroundings throw back, falls less."""
    sky = scene.studio.light.at_rest(skin.points, CREVICE_BIAS).mean(1)
    return (DEEPEST + (1 - DEEPEST) * np.clip(sky / OPEN_SKY, 0, 1))[:, None] ** REDDENED


def clothes_part(scene: Scene) -> Part:
    """Clothes on the torso, without what a photo shows not to be there."""
    subject, rng = scene.subject, scene.studio.rng
    spots = even_spots(subject.rest, subject.torso, CLOTH, rng)
    points, normals = smooth_points(subject.rest, spots)
    own, both = observe_spots(scene, spots, subject.torso, _observe_cloth)
    rgb = filled(both, points, normals, rng, grain=0.0)
    kept = ~_beyond_outline(scene, spots)
    owners = subject.owners[spots.triangles]
    made = discs(points, normals, spots.spacing * 0.75, 0.18, untoned(rgb), 0.97, owners)
    return observed_part(made, own.weight, both.weight)[kept]


def _beyond_outline(scene: Scene, spots: Spots) -> Bools:
    """[N] true where a photo shows that nothing of the person is."""
    outside = np.zeros(len(spots), bool)
    for view in scene.views:
        there = visible_spots(view, spots)
        nothing = sampled(view.photo.seen.person, there.pixels) < OUTSIDE
        outside |= there.clear & nothing
    return outside
