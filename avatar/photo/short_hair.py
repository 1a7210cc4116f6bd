"""Short hair of a photo's person: the beard, which goes on where the photo does not show it, and
the scalp and the sideburns that the library's style leaves bare."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats, Ints, mix, normalised, smoothstep
from avatar.lighting.symmetry import Observed
from avatar.people.hair_cards import SKULL
from avatar.people.masks import beard_mask
from avatar.people.short_hair import downwards, risen, roots_on, short_strands
from avatar.people.surface import Spots, smooth_points
from avatar.photo.completion import (
    BLACK,
    COARSE,
    FINE,
    amplitude_around,
    logs,
    off_neighbours,
)
from avatar.photo.hair import LOOSE, PhotoHair
from avatar.photo.project import Part, hair_mask, sampled, visible_spots
from avatar.photo.robust_fill import SURE, membrane
from avatar.photo.subject import Scene
from avatar.photo.surface import Painted

SEEN = 0.1  # weight of observation from which skin tells whether it is hairy
FORWARD = 30.0  # millimetres of depth on the mean head: behind, ears shade the skin
UNLIKE = 0.2  # share of what is unlike skin, around hairy skin
CHIN, FRONT = -85.0, 75.0  # height and depth of chin and upper lip, in millimetres
SHAVED = 0.25  # share of these that is hairy, up to which a face has no beard
BURNS = (-30, -10)  # millimetres of height down to which hair before the ears grows without one
PRIOR = 1e-3  # weight of skin being as hairy as is expected where no photo shows it
GROWN = (0.2, 0.5)  # hairiness from which hair grows, and is full
NEAR = 60  # hairs, like one of which another may be
HAIR, SURELY = 0.5, 0.99  # of hairiness, and of what is unlike skin: samples that show a hair
CONTRAST = 1.5  # of hairs, as drawn, to hairs as seen
BENEATH = 0.6  # share of the hair's colour in that of the skin between
BACK = np.array([0.0, -0.5, -1.0])  # from where to where hair of the scalp lies
UNDER = 2 * MM  # beside strands above, up to which they hide a scalp


@dataclass(frozen=True)
class Hairs:
    """Hairs of a person that are known."""

    points: Floats  # [N, 3]
    radiance: Floats  # [N, 3]
    directions: Floats  # [N, 3]

    @cached_property
    def tree(self) -> KDTree:
        return KDTree(self.points)

    def near(self, points: Floats) -> tuple[Ints, Floats]:
        """The nearest ones [P, NEAR] to points [P, 3], and the mean logarithms [P, 3] of these."""
        near = np.asarray(self.tree.query(points, NEAR)[1])
        return near, logs(self.radiance[near]).mean(1)

    def like(self, points: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Radiance and directions [P, 3] of hairs at points [P, 3], each like one near it; they lie
        over each other, and differ more than those seen."""
        near, middle = self.near(points)
        one = near[np.arange(len(points)), rng.integers(0, NEAR, len(points))]
        off = logs(self.radiance[one]) - middle
        return np.maximum(np.exp(middle + CONTRAST * off) - BLACK, 0), self.directions[one]


def short_hair(
    scene: Scene, painted: Painted, hair: PhotoHair | None, strands: Part | None = None
) -> tuple[Painted, list[Part]]:
    """The skin with the shade of short hair, and this hair."""
    bearded = beard(painted)
    hairy = hairiness(scene, painted, hair, bearded)
    both = [_of_beard(painted, bearded), *_of_style(hair, strands)]
    known = [each for each in both if len(each.points) >= NEAR]
    rng, skin, rest = scene.studio.rng, painted.skin, scene.subject.rest
    there = np.intersect1d(skin.spots.triangles[hairy > 0], scene.subject.skin)
    if not known or not len(there):
        return painted, []
    samples = KDTree(skin.points)

    def at(spots: Spots) -> Ints:
        """The nearest sample of the skin."""
        return np.asarray(samples.query(smooth_points(rest, spots)[0])[1])

    roots = roots_on(rest, there, lambda spots: hairy[at(spots)], rng)
    own = at(roots.spots)
    seen = painted.observed[own]
    of_style = rng.random(len(roots)) < smoothstep(*BURNS, skin.mm[own, 1])
    likes = [each.like(roots.points, rng) for each in known]
    radiance, ways = (
        np.where(of_style[:, None], style, of_beard)
        for of_beard, style in zip(likes[0], likes[-1], strict=True)
    )
    radiance = mix(radiance, painted.radiance[own], seen)
    ways = ways * np.where(ways @ BACK < 0, -1, 1)[:, None]
    ways = mix(downwards(roots.points), ways, skin.scalp[own])
    made = short_strands(roots, risen(roots, ways, rng), radiance)
    return _shaded(painted, hairy, known), [Part(made, seen, seen, seen)]


def _shaded(painted: Painted, hairy: Floats, known: list[Hairs]) -> Painted:
    """The skin with the colour of the hairs around it [N] where it is not seen between them."""
    there = np.flatnonzero(hairy)
    points, height = painted.skin.points[there], painted.skin.mm[there, 1]
    around = [np.exp(each.near(points)[1]) - BLACK for each in known]
    shade = mix(around[0], around[-1], smoothstep(*BURNS, height))
    share = BENEATH * hairy[there] * (1 - painted.observed[there])
    radiance = painted.radiance.copy()
    radiance[there] = mix(radiance[there], shade, share)
    return replace(painted, radiance=radiance)


def _of_beard(painted: Painted, bearded: Floats) -> Hairs:
    """Hairs of a beard that photos show."""
    shown = (np.minimum(bearded, painted.mirrored) > HAIR) & (painted.unlike > SURELY)
    points = painted.skin.points[shown]
    return Hairs(points, painted.radiance[shown], downwards(points))


def _of_style(hair: PhotoHair | None, strands: Part | None) -> list[Hairs]:
    if hair is None or strands is None:
        return []
    radiance = strands.layer.radiance[len(hair.lining) :]
    return [Hairs(hair.strands.points, radiance, hair.strands.tangents)]


def beard(painted: Painted) -> Floats:
    """How far samples [N] of skin that is seen are a beard's, as broken and unlike skin as its
    hairs are; none of a face on whose chin and upper lip few are."""
    skin, found = painted.skin, np.zeros(len(painted.radiance))
    grows = (beard_mask(skin.mm) > 0.5) & (skin.mm[:, 2] > FORWARD)
    seen = np.flatnonzero((painted.mirrored > SEEN) & (skin.inner_mouth < 0.1) & (skin.lips < 0.1))
    if len(seen) < FINE:
        return found
    near = np.asarray(KDTree(skin.mm[seen]).query(skin.mm[seen], FINE)[1])
    amplitude = amplitude_around(off_neighbours(painted.radiance[seen], near), near)
    hairy = (amplitude > COARSE * np.median(amplitude)) & (
        painted.unlike[seen][near].mean(1) > UNLIKE
    )
    found[seen] = hairy[near].mean(1) * grows[seen]
    front = grows[seen] & (skin.mm[seen, 2] > FRONT) & (skin.mm[seen, 1] > CHIN)
    return found * (front.any() and float(hairy[front].mean()) > SHAVED)


def hairiness(scene: Scene, painted: Painted, hair: PhotoHair | None, bearded: Floats) -> Floats:
    """How far [N] short hair grows from samples of skin, where no strands of a style hide it."""
    skin, view = painted.skin, scene.views[0]
    scalp = skin.scalp * (hair is not None)
    grows, matte = beard_mask(skin.mm), np.zeros(len(scalp))
    loose = hair is not None and hair.style.name in LOOSE
    if not bearded.any():
        grows *= 0.0 if loose else smoothstep(*BURNS, skin.mm[:, 1])
    if hair is not None:
        there = visible_spots(view, skin.spots)
        matte = there.clear * (there.facing > 0) * sampled(hair_mask(view.photo.seen), there.pixels)
        matte *= scalp if loose else 1.0
    told = (skin.mm[:, 2] > FORWARD) | (not bearded.any())
    seen = np.maximum(painted.mirrored * told, matte) * (skin.ears < SEEN)
    shown = np.maximum(bearded, matte)
    aside = (grows > 0.5) & (seen > SEEN) & (skin.mm[:, 2] < FRONT) & (matte < SEEN)
    expected = np.maximum(scalp, grows * (shown[aside].mean() if aside.any() else 0))
    known = Observed(np.where(seen > SEEN, shown, expected)[:, None], seen)
    unseen = membrane(known, skin.points, skin.normals, PRIOR)[:, 0]
    found = smoothstep(*GROWN, np.where(seen > SURE, shown, unseen))
    found *= np.maximum(scalp, grows) * (1 - skin.ears) * ~painted.worn
    return found if hair is None else found * ~hidden(skin.points, hair)


def hidden(points: Floats, hair: PhotoHair) -> Bools:
    """Which points [N, 3] of a scalp are beneath strands, seen from the skull's middle."""
    ways, above = (normalised(each - SKULL) for each in (points, hair.strands.points))
    angle = KDTree(above).query(ways)[0]
    return angle * np.linalg.norm(points - SKULL, axis=1) < UNDER
