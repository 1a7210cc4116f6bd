"""The whole of a photo's hair, of which the network may miss the dark parts.

Where hair may be, a pixel is hair or skin by the colours of both: of the face's skin, and of hair
where the network found some or where the person is seen beyond the head's own outline. Below the
brows that may be cloth as well.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    binary_opening,
    distance_transform_edt,
    gaussian_filter,
)

from avatar.geometry.vectors import MM, Bools, Floats, smoothstep
from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.people.masks import beard_mask, scalp_mask
from avatar.photo.fit import Fitted
from avatar.photo.photograph import SeenPhoto
from avatar.photo.project import FACE, extended, hair_mask, openings, polygon, touching
from avatar.photo.robust_fill import logarithms
from avatar.vision.mattes import guided_upsampling

BROWS, MOUTH, LIP, CROWN, CHIN = (105, 66, 296, 334), (13, 14), 17, 10, 152  # landmarks
BEARDED, FULL = 0.5, 5 * MM  # share of a chin that is hair; beyond the skin, of a beard
FARTHEST, SPREAD = 60 * MM, 120 * MM  # from the head, of hair below the brows, and below the chin
CHEST, BARE = (0.4, 0.45), 0.1  # heights of the face below and beside the chin: cloth; no hair
BROAD = 5 * MM  # half the width of hair before and beside the face, at least
BEYOND = 6 * MM  # of the head's outline, from where nothing but hair is seen
PERSON, SURE = 0.5, 0.8  # of the network's mattes
FEWEST = 100  # pixels to know a colour by
LOWEST, BINS, BLUR = -3.5, 28, 1.2  # of logarithms; bins of each channel; bins of deviation
DOUBT = 2e-6  # of all pixels in one bin: of colours that neither has
HAIRIER = 0.7  # share of a colour that is hair's, from which it is hair
SMOOTH = 1.0 * MM
COARSE = 3  # pixels


def with_whole_hair(fitted: Fitted) -> Fitted:
    """The same with whole mattes of hair."""
    head = fitted.model.head
    faces = head.faces.numpy()
    mm = head.vertices.double().numpy() / MM
    scalp, bearded = (mask(mm)[faces].mean(1) > 0.5 for mask in (scalp_mask, beard_mask))
    photos = []
    for photo in fitted.photos:
        shape = photo.posed(fitted.rest, fitted.model).double().numpy()
        width, height = photo.seen.size
        first = rasterize(project_samples(photo.camera, shape), faces, height, width)
        shown = Shown(
            head=first.faces != NOTHING,
            scalp=(first.faces != NOTHING) & scalp[first.faces],
            beard=(first.faces != NOTHING) & bearded[first.faces],
            pixel=float(1 / np.median(first.nearness[first.nearness > 0])) / photo.seen.focal,
        )
        seen = replace(photo.seen, hair=whole_hair(photo.seen, shown))
        seen = replace(seen, picture=without_background(seen, shown.pixel))
        photos.append(replace(photo, seen=seen))
    return replace(fitted, photos=photos)


@dataclass(frozen=True)
class Shown:
    """Where a photo shows the mesh of the head."""

    head: Bools  # [H, W]
    scalp: Bools  # [H, W] the part of it that grows hair
    beard: Bools  # [H, W] the part of it that may grow a beard
    pixel: float  # metres of one there


def whole_hair(seen: SeenPhoto, shown: Shown) -> Floats:
    """The matte [H, W] of hair, completed, without a beard, which belongs to the skin."""
    face = polygon(seen, FACE)
    beard = _beard(seen, shown, face)
    seen = replace(seen, hair=np.where(beard, 0.0, seen.hair))
    regions = _hair_regions(seen, shown, face | beard)
    surely = (seen.hair > SURE) & ~face
    seeds = regions.hair & (surely | regions.crown)
    bare = face & ~openings(seen) & (seen.hair < 0.5) & (seen.person > PERSON)
    skin = np.asarray(binary_erosion(bare, iterations=3), bool)
    if min(seeds.sum(), skin.sum()) < FEWEST:
        return seen.hair
    shares = [_share(seen.picture, seeds, other) for other in (skin, regions.worn)]
    share = np.where(regions.beside, np.minimum(*shares), shares[0])
    share = gaussian_filter(share, SMOOTH / shown.pixel)
    found = np.asarray(binary_opening(regions.hair & (share > HAIRIER), iterations=2), bool)
    broad = binary_opening(found, iterations=max(2, round(BROAD / shown.pixel)))
    found &= ~(regions.side | regions.beside) | np.asarray(broad, bool)
    left = (seen.person > PERSON) & ~(found | surely)
    enclosed = left & ~touching(left, face)  # by hair all around
    found |= enclosed & regions.hair & regions.above
    sure = touching(found, seeds).astype(float)
    soft = np.minimum(_along_edges(sure, seen.picture), seen.person)
    near = np.asarray(binary_dilation(regions.hair, iterations=4), bool) & ~face
    return np.where(near, np.maximum(seen.hair, soft), seen.hair)


def _beard(seen: SeenPhoto, shown: Shown, face: Bools) -> Bools:
    """Where [H, W] the network's hair is a beard: on and near the skin that grows one, if the chin
    is mostly hair."""
    rows = np.arange(len(face))[:, None]
    chin = face & shown.beard & (rows > float(seen.points[LIP, 1]))
    if not chin.any() or (seen.hair[chin] > PERSON).mean() < BEARDED:
        return np.zeros_like(face)
    return np.asarray(distance_transform_edt(~shown.beard)) * shown.pixel < FULL


class _HairRegions(NamedTuple):
    """Where [H, W] a photo may show hair."""

    hair: Bools
    side: Bools  # before the side of the face
    above: Bools  # all that is above the brows
    crown: Bools  # of that, well beyond the head's outline, where nothing but hair is
    beside: Bools  # below the brows, beyond the head's outline
    worn: Bools  # on chest and shoulders, where no hair is found


def _hair_regions(seen: SeenPhoto, shown: Shown, face: Bools) -> _HairRegions:
    low, high = seen.points[[CHIN, CROWN]].double().numpy()
    up = (high - low) / np.linalg.norm(high - low)
    rows, columns = np.indices(face.shape) + 0.5
    height = (columns - low[0]) * up[0] + (rows - low[1]) * up[1]
    brows, mouth = (
        float(((seen.points[list(k)].double().numpy() - low) @ up).mean()) for k in (BROWS, MOUTH)
    )
    away = np.asarray(distance_transform_edt(~shown.head)) * shown.pixel
    above_shoulders = (height > 0) & (rows < low[1]) & (away < FARTHEST)
    across = np.abs((columns - low[0]) * up[1] - (rows - low[1]) * up[0])
    down, aside = (share * float(np.linalg.norm(high - low)) for share in CHEST)
    chest = (height < -down) | ((height < 0) & (across > aside))
    worn = chest & (seen.person > SURE) & (seen.hair < BARE)
    hanging = (height <= 0) & (away < SPREAD) & (worn.sum() >= FEWEST)
    beyond = ~shown.head & ((height > brows) | above_shoulders | hanging)
    side = shown.head & ~shown.scalp & (height > mouth) & (height < brows) & ~face
    on_head = shown.head & (shown.scalp | (height > mouth))
    person = (seen.person > PERSON) & ~face
    above = height > brows
    return _HairRegions(
        hair=person & (beyond | on_head),
        side=side,
        above=above,
        crown=above & (away > BEYOND),
        beside=~above & ~shown.head,
        worn=worn,
    )


def _share(picture: Floats, hair: Bools, other: Bools) -> Floats:
    """How far [H, W] a picture's colours are those of hair rather than of something else, in
    [0, 1]."""
    logs = logarithms(picture)
    bins = np.clip((logs - LOWEST) / -LOWEST * BINS, 0, BINS - 1).astype(int)

    def frequency(where: Bools) -> Floats:
        counts = np.zeros((BINS,) * 3)
        np.add.at(counts, tuple(bins[where].T), 1 / max(1, where.sum()))
        return gaussian_filter(counts, BLUR)[tuple(np.moveaxis(bins, 2, 0))]

    own, others = frequency(hair), frequency(other)
    return (own + DOUBT / 2) / (own + others + DOUBT)


def _along_edges(mask: Floats, picture: Floats) -> Floats:
    """A mask [H, W] that is soft along a picture's edges."""
    small = torch.from_numpy(picture[::COARSE, ::COARSE]).float()[None]
    matte = torch.from_numpy(mask[::COARSE, ::COARSE]).float()[None, ..., None]
    whole = guided_upsampling(matte, small, torch.from_numpy(picture).float()[None])
    return whole[0, ..., 0].double().numpy()


NOBODY, SOLID = 0.05, 0.9  # of the mattes: up to where background is seen, from where hair alone
THIN, THICK = 10 * MM, 20 * MM  # from the outline: hair that background is seen through, and not
SIGMAS = 6 * MM, 18 * MM  # over which the colours of background and of hair are smoothed
HUES = 0.3, 0.5  # share of hue in the difference of both, from which it is told from highlights
COSINES = 0.8, 0.95  # to this difference, from which what a pixel differs from hair by is like it


def without_background(seen: SeenPhoto, pixel: float) -> Floats:
    """The picture [H, W, 3] without what shines through thin hair, which the matte holds to be
    solid: near the outline, the part of a colour that leads from the hair's to the background's,
    where these differ in hue; pixel: its size in metres."""
    hair, depth = hair_mask(seen), np.asarray(distance_transform_edt(seen.person > PERSON)) * pixel
    beyond, inside = seen.person < NOBODY, (hair > SOLID) & (depth > THICK / 2)
    if min(beyond.sum(), inside.sum()) < FEWEST:
        return seen.picture
    background, own = (
        extended(seen.picture, where, sigma / pixel)
        for where, sigma in zip((beyond, inside), SIGMAS, strict=True)
    )
    way, off = background - own, seen.picture - own
    far, deviation = (np.maximum(np.linalg.norm(each, axis=2), DOUBT) for each in (way, off))
    hue = np.linalg.norm(way - way.mean(2, keepdims=True), axis=2) / far
    along = (way * off).sum(2) / far
    share = np.clip(along / far, 0, 1) * (hair > PERSON) * smoothstep(THICK, THIN, depth)
    share = share * smoothstep(*HUES, hue) * smoothstep(*COSINES, along / deviation)
    return seen.picture - share[..., None] * way
