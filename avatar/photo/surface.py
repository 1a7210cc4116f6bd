"""Colours of skin and clothes from the photos, and Gaussians that have them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from avatar.light.other_side import Told, mirrored
from avatar.light.tone import untoned
from avatar.mesh.vectors import MM, Bools, Floats, Ints, mix, smoothstep
from avatar.photo.complete import filled, together
from avatar.photo.eyes import eye_light
from avatar.photo.parts import Part, invented
from avatar.photo.parts import painted as all_painted
from avatar.photo.project import View, cloth_mask, sampled, shown_spots, skin_mask, weight_of
from avatar.photo.seen import SeenPhoto
from avatar.photo.sitter import Scene, mirrored_spots, world_normals
from avatar.synthetic.portrait.complexion import skin_radiance
from avatar.synthetic.portrait.layer import discs
from avatar.synthetic.portrait.skin import OpenSkin, place_skin, skin_discs, under_discs
from avatar.synthetic.shared.sampling import even_spots
from avatar.synthetic.shared.surface import Spots, smooth_points

FINER = 0.72  # of the portrait's spacing on the face
CLOTH = 2.2 * MM  # spacing on the clothes
UNDER_FOLLOWS = 0.2  # of what the photo corrects of the colours
FAR_SKIN = 1e-3  # pull of the usual colour on skin far from what is seen
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
    own, both = told_of(scene, skin.spots, sitter.skin, skin_mask)
    rgb = filled(both, skin.points, skin.normals, studio.rng, usual=FAR_SKIN)
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
    return [
        replace(told, follows=told.follows * outside * (1 - painted.skin.lips)),
        invented(under, UNDER_FOLLOWS),
    ]


def told_of(
    scene: Scene, spots: Spots, triangles: Ints, mask: Callable[[SeenPhoto], Floats]
) -> tuple[Told, Told]:
    """What the photos tell of spots on some triangles [m], by themselves and by their mirrored
    places."""
    other = mirrored_spots(scene.sitter, spots, triangles)
    own, there = (
        together([_told(view, each, mask(view.photo.seen)) for view in scene.views])
        for each in (spots, other)
    )
    first = scene.views[0]
    normals = (world_normals(first, spots), world_normals(first, other))
    return own, mirrored(own, there, *normals)


def _told(view: View, spots: Spots, mask: Floats) -> Told:
    there = shown_spots(view, spots)
    return Told(sampled(view.photo.seen.picture, there.pixels), weight_of(there, mask))


def clothes_part(scene: Scene) -> Part:
    """Clothes on the torso, without what a photo shows not to be there."""
    sitter, rng = scene.sitter, scene.studio.rng
    spots = even_spots(sitter.rest, sitter.torso, CLOTH, rng)
    points, normals = smooth_points(sitter.rest, spots)
    own, both = told_of(scene, spots, sitter.torso, cloth_mask)
    rgb = filled(both, points, normals, rng, grain=0.0)
    kept = ~_beyond_outline(scene, spots)
    owners = sitter.owners[spots.triangles]
    made = discs(points, normals, spots.spacing * 0.75, 0.18, untoned(rgb), 0.97, owners)
    return all_painted(made, own.weight, both.weight)[kept]


def _beyond_outline(scene: Scene, spots: Spots) -> Bools:
    """[N] true where a photo shows that nothing of the person is."""
    outside = np.zeros(len(spots), bool)
    for view in scene.views:
        there = shown_spots(view, spots)
        nothing = sampled(view.photo.seen.person, there.pixels) < OUTSIDE
        outside |= there.clear & nothing
    return outside
