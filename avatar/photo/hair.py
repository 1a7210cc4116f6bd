"""Hair on the scalp: layers as thick as the outline of the photo's hair, in its colours.

Hair that no photo shows gets strands with as much contrast as those that are seen.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.geometry.vectors import (
    MM,
    Bools,
    Floats,
    any_tangent,
    axes,
    mix,
    normalised,
    smoothstep,
)
from avatar.geometry.zbuffer import project
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed, mirrored
from avatar.people.layer import Layer, layer
from avatar.people.masks import SKULL_CENTRE, ear_mask, scalp_mask, value_noise
from avatar.people.strands import still_triangles
from avatar.people.subject import Subject
from avatar.people.surface import Spots, at_spots, even_spots, smooth_points
from avatar.photo.project import (
    Part,
    View,
    hair_mask,
    nearest,
    observed_part,
    sampled,
    smoothed,
    visible_points,
    weight_of,
    well_inside,
)
from avatar.photo.robust_fill import DARK, filled, membrane, robust_mean, together
from avatar.photo.subject import Scene, mirrored_spots
from avatar.photo.surface import beside_face

NOISE_SCALES = (
    (3 * MM, 1.0),
    (9 * MM, 0.7),
)  # of strands and of locks, and how much these differ
STRETCH = 0.06  # how much less hair differs along a strand than across
HEAD_RADIUS = 90 * MM  # radius of the head, around which strands are counted
TONE_SIGMA = 5 * MM  # over which a photo's hair is smoothed, which leaves tones without strands
SURE = 0.9  # of the matte
CONTRASTS = (0.08, 0.35)  # standard deviations of the logarithm of strands' brightness


def strand_brightness(points: Floats, flow: Floats, contrast: float) -> Floats:
    """How bright [N] hair at points [N, 3] is, around 1: the same along each strand.

    Strands that lie on a head and point as far as they can along a direction `flow` [3] are
    meridians around it: all points of one have the same azimuth.
    """
    ahead = normalised(flow)
    away = points - SKULL_CENTRE * MM
    along = away @ ahead
    aside = any_tangent(ahead[None])[0]
    across = np.arctan2(away @ np.cross(ahead, aside), away @ aside)
    around = HEAD_RADIUS * np.column_stack([np.cos(across), np.sin(across)])
    positions = np.column_stack([around, STRETCH * along])
    noise = sum(share * value_noise(positions, 1 / wide, 91) for wide, share in NOISE_SCALES)
    assert isinstance(noise, np.ndarray)
    return np.exp(contrast * noise / max(float(noise.std()), 1e-9))


def seen_contrast(view: View) -> float:
    """The deviation of the logarithm of brightness between the strands that a photo shows."""
    hair = _sure_hair(view)
    if not hair.any():
        return CONTRASTS[0]
    bright = np.log(view.photo.seen.picture.mean(2) + DARK)
    fine = bright - smoothed(bright, hair, TONE_SIGMA / view.pixel)
    return float(np.clip(fine[hair].std(), *CONTRASTS))


def hair_tones(view: View) -> Floats:
    """Colours [H, W, 3] of hair without its strands, of the nearest hair where there is none."""
    hair = _sure_hair(view)
    channels = np.moveaxis(view.photo.seen.picture, 2, 0)
    tones = [smoothed(channel, hair, TONE_SIGMA / view.pixel) for channel in channels]
    return np.stack(tones, axis=2)[tuple(nearest(hair))]


def _sure_hair(view: View) -> Bools:
    """Where [H, W] a photo shows nothing but hair."""
    seen = view.photo.seen
    return (hair_mask(seen) > SURE) & well_inside(seen)


SPACING = 1.4 * MM
STRAND = (2.4, 0.35, 0.6)  # of the spacing: deviations along a strand, through and across it
COMBED = np.array([0.0, -1.0, -0.5])  # the way that hair goes as far as the head lets it
THINNEST, THICKEST = 3 * MM, 60 * MM
STEP = 1 * MM  # along which the outline is sought
CONTOUR = 0.4  # cosine to the view below which a normal points to the outline
TAPER = (0.35, 0.9)  # of the scalp's mask, from the hairline to where hair is thick
LAYER_HEIGHTS = (0.2, 0.55, 1.0)  # of the thickness, of the layers of hair
LAYER_SHADES = (0.45, 0.75, 1.0)  # of their colour
BACK = 0.9  # of the colour of what no photo shows
LIFT = 1.5 * MM  # of hair off the skin, at least
HAIRLINE_WEIGHT = 0.03  # of the mean hairline, against what is seen
MOST_DEVIATIONS = (
    1.5  # deviations of seen hair's colours, that those of unseen hair are from its mean
)
LEAST_HAIRY = 0.4  # of what is seen of the scalp: with less a head is bald


@dataclass(frozen=True)
class ScalpHair:
    """The hair at samples of the scalp."""

    points: Floats  # [N, 3] of the skin beneath
    normals: Floats  # [N, 3]
    thick: Floats  # [N] metres that it stands off
    own: Observed  # colours and hairiness by the photos
    both: Observed  # and by the other side's
    hairy: Bools  # [N] where there is any


def scalp_hair_of(scene: Scene, thickness: Floats) -> ScalpHair | None:
    """The hair on the scalp; None on a bald head.

    thickness [V]: metres that hair stands off the skin.
    """
    subject, rng = scene.subject, scene.studio.rng
    mm = subject.painted.vertices / MM
    may_grow = np.maximum(scalp_mask(mm), beside_face(mm) * (1 - ear_mask(mm)))
    triangles = subject.skin[(may_grow[subject.faces[subject.skin]] > 0.2).all(1)]
    spots = even_spots(subject.rest, triangles, SPACING, rng)
    thick = np.maximum(at_spots(thickness, subject.faces, spots), LIFT)
    own, both = _observe_hair(scene, spots, mirrored_spots(subject, spots, triangles), thick)
    points, normals = smooth_points(subject.rest, spots)
    scalp = scalp_mask(subject.millimetres(spots))
    if _bald(both, scalp):
        return None
    hairy = hairy_region(both, scalp, points, normals)
    return ScalpHair(points, normals, thick, own, both, hairy)


def hair_parts(scene: Scene, hair: ScalpHair) -> list[Part]:
    """Layers of hair on the scalp, from the inner to the outer."""
    subject, rng = scene.subject, scene.studio.rng
    points, normals, own, both = hair.points, hair.normals, hair.own, hair.both
    seen, known = (
        Observed(each.values[:, :3], each.weight * (each.values[:, 3] > 0.5))
        for each in (own, both)
    )
    rgb = filled(known, points, normals, rng, grain=0.0)
    bright = BACK * strand_brightness(points, COMBED, seen_contrast(scene.views[0]))[:, None]
    radiance = untoned(mix(robust_mean(rgb, seen, MOST_DEVIATIONS) * bright, rgb, seen.weight))
    return [
        observed_part(
            _strands(subject, points, normals, hair.thick * sunk, radiance * shade),
            own.weight * (sunk == 1),
            both.weight * (sunk == 1),
        )[hair.hairy]
        for sunk, shade in zip(LAYER_HEIGHTS, LAYER_SHADES, strict=True)
    ]


def without_hair(scene: Scene) -> Scene:
    """A scene in which what the photos show of hair is skin, as on bald heads, whose stubble and
    shadows pass for hair."""
    views = []
    for view in scene.views:
        seen = replace(view.photo.seen, hair=np.zeros_like(view.photo.seen.hair))
        views.append(replace(view, photo=replace(view.photo, seen=seen)))
    return replace(scene, views=views)


def hair_thickness(scene: Scene) -> Floats:
    """How far [V] the hair stands off the skin, tapering to the hairline."""
    subject = scene.subject
    scalp = scalp_mask(subject.painted.vertices / MM)
    observed = [_to_outline(view, scalp > 0.5) for view in scene.views]
    reach = np.sum([each * known for each, known in observed], axis=0)
    count = np.sum([known for _, known in observed], axis=0)
    mirror = KDTree(subject.painted.vertices).query(subject.painted.vertices * [-1, 1, 1])[1]
    both, known = reach + reach[mirror], count + count[mirror]
    on = np.flatnonzero(scalp > 0.2)
    mean = both / np.maximum(known, 1)
    sure = Observed(mean[on, None], (known[on] > 0).astype(float))
    smooth = membrane(sure, subject.rest.vertices[on], subject.rest.normals[on])[:, 0]
    thick = np.zeros(len(scalp))
    thick[on] = np.clip(smooth, THINNEST, THICKEST) * smoothstep(*TAPER, scalp[on])
    return thick


def _to_outline(view: View, where: Bools) -> tuple[Floats, Bools]:
    """From vertices that the outline passes, how far [V] metres it is away along their normals, and
    which vertices [V] those are."""
    shape, seen = view.shape, view.photo.seen
    away = visible_points(view, shape.vertices, shape.normals)
    known = where & (np.abs(away.facing) < CONTOUR)
    reach = np.zeros(len(where))
    index = np.flatnonzero(known)
    going = np.ones(len(index), bool)
    width, height = seen.size
    for step in np.arange(STEP, THICKEST, STEP):
        points = shape.vertices[index] + shape.normals[index] * step
        pixels = project(view.photo.camera, torch.from_numpy(points))[0].numpy()
        inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
        going &= inside & (sampled(seen.person, pixels) > 0.5)
        reach[index[going]] = step
    return reach, known


def _observe_hair(
    scene: Scene, spots: Spots, other: Spots, thick: Floats
) -> tuple[Observed, Observed]:
    """Colours and hairiness [N, 4] by the photos, and with the other side's."""
    both = []
    for each in (spots, other):
        observed, normals = [], []
        for view in scene.views:
            points, facing = smooth_points(view.shape, each)
            there = visible_points(view, points + facing * thick[:, None], facing)
            seen = view.photo.seen
            image = np.concatenate([seen.picture, hair_mask(seen)[..., None]], axis=2)
            mask = well_inside(seen).astype(float)
            observed.append(Observed(sampled(image, there.pixels), weight_of(there, mask)))
            normals.append(facing)
        both.append((together(observed), normals[0]))
    (own, normals), (there, other_normals) = both
    return own, mirrored(own, there, normals, other_normals)


def hairy_region(both: Observed, scalp: Floats, points: Floats, normals: Floats) -> Bools:
    """Where [N] hair grows: as observed (colours and hairiness [N, 4]), and far from that on the
    scalp (a mask [N])."""
    flags = mix(scalp[:, None], both.values[:, 3:], both.weight)
    guessed = Observed(flags, np.maximum(both.weight, HAIRLINE_WEIGHT))
    return membrane(guessed, points, normals)[:, 0] > 0.5


def _bald(both: Observed, scalp: Floats) -> bool:
    """Whether the photos show hardly any hair on the scalp (a mask [N])."""
    weight = both.weight * scalp
    hair = (weight * both.values[:, 3]).sum() / max(float(weight.sum()), 1e-9)
    return float(hair) < LEAST_HAIRY


def _strands(
    subject: Subject, points: Floats, normals: Floats, height: Floats, radiance: Floats
) -> Layer:
    """Short pieces of hair that lie down and back."""
    lifted = points + normals * height[:, None]
    along = normalised(COMBED - normals * (normals @ COMBED)[:, None])
    wider = 1 + height / (80 * MM)  # of an outer shell
    scales = [SPACING * share * wider for share in STRAND]
    owners = subject.nearest(still_triangles(subject), points)
    return layer(lifted, axes(along, normals), scales, radiance, 0.93, owners)
