"""Fit skull and ears to the outline of the person, which landmarks do not reach.

Above the forehead, the skull is pressed to within the outline. Ears are moved and stretched along
it where no hair covers them.
"""

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, map_coordinates, maximum_filter1d
from torch import Tensor

from avatar.geometry.vectors import MM, Bools, Floats, smoothstep
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.people.masks import ear_mask
from avatar.photo.fit import Fitted, FittedPhoto
from avatar.photo.photograph import SeenPhoto
from avatar.tracking.model import FaceModel
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER

STEP, FARTHEST = 1 * MM, 0.25  # in which outlines are followed, metres
PERSON, HAIRY = 0.5, 0.5  # of the mattes


@dataclass(frozen=True)
class Plane:
    """The picture of a photo in metres from between the eyes, across and up the head."""

    seen: SeenPhoto
    eyes: Floats  # [2] pixels
    axes: Floats  # [2, 2] rows: across and up, in the picture
    pixel: float  # metres
    in_head: Floats  # [2, 3] the axes as directions of head space

    def mattes(self, places: Floats) -> tuple[Floats, Floats]:
        """The person and hair at places [..., 2]; outside of the picture all is both."""
        pixels = self.eyes + places @ self.axes / self.pixel
        person, hair = (
            map_coordinates(matte, np.moveaxis(pixels, -1, 0)[::-1] - 0.5, order=1, cval=1.0)
            for matte in (self.seen.person, self.seen.hair)
        )
        return person, hair


def _plane(model: FaceModel, rest: Tensor, photo: FittedPhoto) -> tuple[Plane, Floats]:
    """The plane of a photo, and where it shows vertices [V, 3] at rest: [V, 2]."""
    to_camera = (photo.camera.viewmat[:3, :3] @ photo.head_pose[:3, :3]).double().numpy()
    up = to_camera[:2, 1] / np.linalg.norm(to_camera[:2, 1])
    axes = np.stack([[-up[1], up[0]], up])
    eyes = photo.seen.points[[RIGHT_CORNER, LEFT_CORNER]].double().mean(0).numpy()
    posed = photo.posed(rest, model).double()
    pixels, depths = (part.numpy() for part in project(photo.camera, posed))
    pixel = float(np.median(depths)) / float(photo.camera.K[0, 0])
    places = (pixels - eyes) @ axes.T * pixel
    return Plane(photo.seen, eyes, axes, pixel, axes @ to_camera[:2]), places


def to_outline(fitted: Fitted) -> Fitted:
    """The same with skull and ears as the outline of the person in each photo asks."""
    rest = fitted.rest
    for photo in fitted.photos:
        rest = _pressed(fitted.model, rest, photo)
        for fineness in FINENESS:
            rest = _with_ears(fitted.model, rest, photo, fineness)
    return replace(fitted, rest=rest)


RAYS = np.radians(np.arange(-80, 81, 2.0))  # in the picture, from the eyes, 0 up the head
FADES = math.radians(75), math.radians(50)  # where the press is none and full: ears are beyond
THIN = 3 * MM  # of the thinnest hair
MOST_PRESSED, MOST_RAISED = 25 * MM, 12 * MM
SMOOTH = 3.0  # rays
POWER = 2  # of the way up to the crown with which the press grows: brows and hairline stay


def _pressed(model: FaceModel, rest: Tensor, photo: FittedPhoto) -> Tensor:
    """Vertices [V, 3] at rest, moved towards the eyes, across the view, so that the skull reaches
    no further than the outline and leaves room for hair where that shows some; where it shows none,
    as far as that."""
    plane, away = _plane(model, rest, photo)
    angle, reach = np.arctan2(away[:, 0], away[:, 1]), np.hypot(*away.T)
    own = _profile(angle, reach)
    outline, bare = _outline(plane)
    excess = np.clip(own - outline, np.where(bare, -MOST_RAISED, 0), MOST_PRESSED)
    excess = gaussian_filter1d(excess, SMOOTH) * smoothstep(*FADES, np.abs(RAYS))
    share = np.clip(reach / np.interp(angle, RAYS, own), 0, 1) ** POWER
    step = share * np.interp(angle, RAYS, excess) / np.maximum(reach, STEP)
    moved = (-step[:, None] * away) @ plane.in_head
    return rest + torch.from_numpy(moved).float()


def _profile(angle: Floats, reach: Floats) -> Floats:
    """How far [R] points reach along each ray."""
    profile = np.zeros(len(RAYS))
    bins = np.rint((angle - RAYS[0]) / (RAYS[1] - RAYS[0])).astype(int)
    inside = (bins >= 0) & (bins < len(RAYS))
    np.maximum.at(profile, bins[inside], reach[inside])
    return maximum_filter1d(profile, 3)


def _outline(plane: Plane) -> tuple[Floats, Bools]:
    """Metres [R] along each ray to the edge of the person, less the room for hair that is seen
    there, and where [R] it ends in skin; without end where the picture ends first."""
    ways = np.stack([np.sin(RAYS), np.cos(RAYS)], 1)  # [R, 2]
    person, hair = plane.mattes(ways[:, None] * np.arange(STEP, FARTHEST, STEP)[:, None])
    inside = np.logical_and.accumulate(person > PERSON, axis=1)
    edge = inside.sum(1) * STEP
    haired = (inside & (hair > HAIRY)).sum(1) * STEP
    ends = ~inside[:, -1]
    return np.where(ends, edge - np.minimum(haired, THIN), np.inf), ends & (haired < THIN)


BESIDE = 15 * MM  # above and below an ear, where its outline may be
INSIDE = 10 * MM  # of the head's outline, where following that of the ear begins
RIM = 3 * MM  # of an ear, that is no hair
SHORTEST = 25 * MM  # of an ear's outline
OUTWARDS, UPWARDS = np.arange(-6, 13, 1.5) * MM, np.arange(-6, 7, 1.5) * MM
LONGER = np.arange(-0.15, 0.2, 0.05)
"""Steps that are tried."""
FINENESS = (1.0, 0.5, 0.25)  # of the first steps, and of those after them
FARTHEST_OFF = 8 * MM  # what an outline is off, at most: the rest is no ear
RELUCTANT = 0.01  # metres that an outline must be nearer, for each that an ear is moved
ROOT, OUTERMOST = 71 * MM, 88 * MM  # of the mean head's ears: how far out they begin and reach


def _with_ears(model: FaceModel, rest: Tensor, photo: FittedPhoto, fineness: float) -> Tensor:
    """Vertices [V, 3] at rest with ears, across the view, nearer to as long and as far out as the
    outline."""
    plane, places = _plane(model, rest, photo)
    drawn = replace(plane, seen=_silhouette(model, rest, photo))
    neutral = model.head.vertices.double().numpy()
    mask, skin = ear_mask(neutral / MM), np.zeros(len(neutral), bool)
    skin[model.head.group_vertices("body").numpy()] = True
    stands_off = mask * smoothstep(ROOT, OUTERMOST, np.abs(neutral[:, 0]))
    moved = np.zeros_like(places)
    for side in (-1.0, 1.0):
        there = skin & (side * neutral[:, 0] > 0)
        outwards = places[there] * [side, 1.0]
        outline = _ear_outline(plane, drawn, outwards, mask[there], stands_off[there], side)
        if outline.wanted.any():
            out, up, longer = _best_step(outline, fineness)
            moved[there, 0] = side * stands_off[there] * out
            higher = up + longer * (outwards[:, 1] - outline.middle)
            moved[there, 1] = mask[there] * higher
    return rest + torch.from_numpy(moved @ plane.in_head).float()


def _silhouette(model: FaceModel, rest: Tensor, photo: FittedPhoto) -> SeenPhoto:
    """A photo of the mesh [V, 3] at rest in place of the person."""
    height, width = photo.seen.person.shape
    corners = project_samples(photo.camera, photo.posed(rest, model).double().numpy())
    there = rasterize(corners, model.head.faces.numpy(), height, width).faces != NOTHING
    return replace(photo.seen, person=there.astype(float), hair=np.zeros((height, width)))


@dataclass(frozen=True)
class EarOutline:
    """The outline beside an ear at rising heights, in metres out."""

    heights: Floats  # [H] metres
    wanted: Floats  # [H] in the photo, nothing where it is not known
    own: Floats  # [H] of the mesh
    skull: Floats  # [H] of the mesh without the ear
    stands_off: Floats  # [H] share of an ear's step outwards that the outline takes
    middle: float  # height of the ear


def _ear_outline(
    plane: Plane, drawn: Plane, places: Floats, mask: Floats, stands_off: Floats, side: float
) -> EarOutline:
    """The outlines of a photo, and of the mesh drawn in it, beside the skin of one side at places
    [S, 2], whose ear is where a mask [S] is and stands off by shares [S]."""
    lowest, highest = np.quantile(places[mask > 0.5, 1], (0, 1))
    heights = np.arange(lowest - BESIDE, highest + BESIDE, STEP)
    skull = _reaches(heights, places[mask < 0.05])
    wanted, own = (_edge(each, heights, skull, side) for each in (plane, drawn))
    known = (wanted > 0) & (own > 0)
    if known[(heights > lowest) & (heights < highest)].sum() * STEP < SHORTEST:
        known[:] = False
    share = _reaches(heights, np.stack([stands_off, places[:, 1]], 1))
    middle = float(lowest + highest) / 2
    return EarOutline(heights, np.where(known, wanted, 0), own, skull, share, middle)


def _best_step(outline: EarOutline, fineness: float) -> tuple[float, float, float]:
    """Metres out and up, and by how much longer an ear's outline is nearest to the photo's."""
    known = outline.wanted > 0
    wanted = np.maximum(outline.wanted, outline.skull)[known]
    length = float(np.ptp(outline.heights)) - 2 * BESIDE

    def cost(step: tuple[float, float, float]) -> float:
        out, up, longer = step
        before = outline.middle + (outline.heights[known] - outline.middle - up) / (1 + longer)
        own, share = (
            np.interp(before, outline.heights, each) for each in (outline.own, outline.stands_off)
        )
        off = np.abs(wanted - np.maximum(own + out * share, outline.skull[known]))
        moved = abs(out) + abs(up) + abs(longer) * length / 2
        return float(np.minimum(off, FARTHEST_OFF).mean()) + RELUCTANT * moved

    tried = ((fineness * each).tolist() for each in (OUTWARDS, UPWARDS, LONGER))
    return min(product(*tried), key=cost)


def _reaches(heights: Floats, places: Floats) -> Floats:
    """How far out [H] places [S, 2] reach at each height, nothing where there are none."""
    reach = np.zeros(len(heights))
    bins = np.rint((places[:, 1] - heights[0]) / STEP).astype(int)
    inside = (bins >= 0) & (bins < len(heights))
    np.maximum.at(reach, bins[inside], places[inside, 0])
    return maximum_filter1d(reach, 5)


def _edge(plane: Plane, heights: Floats, skull: Floats, side: float) -> Floats:
    """How far out [H] a photo shows the person at each height: nothing where hair is at the edge,
    or the picture ends first."""
    out = np.maximum(skull[:, None] + np.arange(-INSIDE, FARTHEST, STEP), 0)  # [H, S]
    places = np.stack(np.broadcast_arrays(side * out, heights[:, None]), -1)
    person, hair = plane.mattes(places)
    inside = np.logical_and.accumulate(person > PERSON, axis=1)
    count = inside.sum(1)
    at_edge = np.maximum(count - 1 - round(RIM / STEP), 0)
    haired = np.take_along_axis(hair, at_edge[:, None], 1)[:, 0] > HAIRY
    known = ~haired & ~inside[:, -1] & inside[:, 0]
    return np.where(known, skull - INSIDE + count * STEP, 0)
