"""Fit skull and ears to the outline of the person, which landmarks do not reach.

Above the forehead, the skull is pressed to within the outline. Ears, where no hair covers them, are
moved and stretched along it. Their height also tells the head's pitch, which landmarks of one view
hardly do: ears are 10 cm behind the face.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, map_coordinates, maximum_filter1d
from torch import Tensor
from torch.nn.functional import normalize

from avatar.geometry.vectors import MM, Bools, Floats, smoothstep
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.people.masks import ear_mask
from avatar.tracking.model import FaceModel, FrameState, Person, PointModel
from avatar.tracking.residuals import place
from avatar.tracking.silhouette import SeenEar
from avatar.vision.landmarks import LEFT_CORNER, RIGHT_CORNER
from splat import Camera

STEP, FARTHEST = 1 * MM, 0.25  # in which outlines are followed, metres
PERSON, HAIRY = 0.5, 0.5  # of the mattes


@dataclass(frozen=True)
class OutlineView:
    """A picture of the person, and how it shows the head."""

    person: Floats  # [H, W] matte in [0, 1]
    hair: Floats  # [H, W]
    points: Tensor  # [478, 2] landmarks in pixels
    camera: Camera  # of head space
    offsets: Tensor  # [V, 3] of the expression


@dataclass(frozen=True)
class Plane:
    """A picture in metres from between the eyes, across and up the head."""

    person: Floats  # [H, W]
    hair: Floats  # [H, W]
    eyes: Floats  # [2] pixels
    axes: Floats  # [2, 2] rows: across and up, in the picture
    pixel: float  # metres
    in_head: Floats  # [2, 3] the axes as directions of head space

    def mattes(self, places: Floats) -> tuple[Floats, Floats]:
        """The person and hair at places [..., 2]; outside of the picture all is both."""
        pixels = self.eyes + places @ self.axes / self.pixel
        person, hair = (
            map_coordinates(matte, np.moveaxis(pixels, -1, 0)[::-1] - 0.5, order=1, cval=1.0)
            for matte in (self.person, self.hair)
        )
        return person, hair


def _plane(rest: Tensor, view: OutlineView) -> tuple[Plane, Floats]:
    """The plane of a picture, and where it shows vertices [V, 3] at rest: [V, 2]."""
    turn = view.camera.viewmat[:2, :3].double().numpy()
    up = turn[:, 1] / np.linalg.norm(turn[:, 1])
    axes = np.stack([[-up[1], up[0]], up])
    eyes = view.points[[RIGHT_CORNER, LEFT_CORNER]].double().mean(0).numpy()
    pixels, depths = (part.numpy() for part in project(view.camera, (rest + view.offsets).double()))
    pixel = float(np.median(depths)) / float(view.camera.K[0, 0])
    places = (pixels - eyes) @ axes.T * pixel
    return Plane(view.person, view.hair, eyes, axes, pixel, axes @ turn), places


def to_outline(model: FaceModel, rest: Tensor, views: Sequence[OutlineView]) -> Tensor:
    """Vertices [V, 3] at rest with skull and ears as the outline of the person in each picture
    asks."""
    for view in views:
        rest = _pressed(rest, view)
        for fineness in FINENESS:
            rest = _with_ears(model, rest, view, fineness)
    return rest


RAYS = np.radians(np.arange(-80, 81, 2.0))  # in the picture, from the eyes, 0 up the head
FADES = math.radians(75), math.radians(50)  # where the press is none and full: ears are beyond
THIN = 3 * MM  # of the thinnest hair
MOST_PRESSED, MOST_RAISED = 25 * MM, 12 * MM
SMOOTH = 3.0  # rays
POWER = 2  # of the way up to the crown with which the press grows: brows and hairline stay


def _pressed(rest: Tensor, view: OutlineView) -> Tensor:
    """Vertices [V, 3] at rest, moved towards the eyes, across the view, so that the skull reaches
    no further than the outline and leaves room for hair where that shows some; where it shows none,
    as far as that."""
    plane, away = _plane(rest, view)
    angle, reach = np.arctan2(away[:, 0], away[:, 1]), np.hypot(*away.T)
    own = _largest(RAYS, angle, reach, 3)
    outline, bare = _outline(plane)
    excess = np.clip(own - outline, np.where(bare, -MOST_RAISED, 0), MOST_PRESSED)
    excess = gaussian_filter1d(excess, SMOOTH) * smoothstep(*FADES, np.abs(RAYS))
    share = np.clip(reach / np.interp(angle, RAYS, own), 0, 1) ** POWER
    step = share * np.interp(angle, RAYS, excess) / np.maximum(reach, STEP)
    moved = (-step[:, None] * away) @ plane.in_head
    return rest + torch.from_numpy(moved).float()


def _largest(bins: Floats, where: Floats, values: Floats, width: int) -> Floats:
    """The largest [B] of values [S] that are in each of some even bins and those beside it, `width`
    in all; nothing where there are none."""
    largest = np.zeros(len(bins))
    number = np.rint((where - bins[0]) / (bins[1] - bins[0])).astype(int)
    inside = (number >= 0) & (number < len(bins))
    np.maximum.at(largest, number[inside], values[inside])
    return maximum_filter1d(largest, width)


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


EAR, HEAD = 0.5, 0.05  # of the mask of ears: an ear is above, the skull below
BESIDE = 25 * MM  # above and below an ear, where its outline may be
INSIDE = 10 * MM  # of the head's outline, where following that of the ear begins
RIM = 3 * MM  # of an ear, that is no hair
SHORTEST = 25 * MM  # of an ear's outline
OUTWARDS, UPWARDS = np.arange(-6, 13, 1.5) * MM, np.arange(-18, 19, 1.5) * MM
LONGER = np.arange(-0.15, 0.2, 0.05)
"""Steps that are tried."""
FINENESS = (1.0, 0.5, 0.25)  # of the first steps, and of those after them
FARTHEST_OFF = 8 * MM  # what an outline is off, at most: the rest is no ear
UNLIKE = 3 * MM  # of the mean that is left
RELUCTANT = 0.01  # metres that an outline must be nearer, for each that an ear is moved
ROOT, OUTERMOST = 71 * MM, 88 * MM  # of the mean head's ears: how far out they begin and reach


def _with_ears(model: FaceModel, rest: Tensor, view: OutlineView, fineness: float) -> Tensor:
    """Vertices [V, 3] at rest with ears, across the view, nearer to as long and as far out as the
    outline."""
    plane, places = _plane(rest, view)
    moved = np.zeros_like(places)
    for ear in _ears(model, rest, view, plane, places):
        step = _best_step(ear.outline, fineness)
        if step is None:
            continue
        out, up, longer = step
        moved[ear.there, 0] = ear.side * ear.stands_off * out
        higher = up + longer * (places[ear.there, 1] - ear.outline.middle)
        moved[ear.there, 1] = ear.mask * higher
    return rest + torch.from_numpy(moved @ plane.in_head).float()


@dataclass(frozen=True)
class Ear:
    """An ear that is seen on the outline."""

    side: float  # -1 or 1 along x
    there: Bools  # [V] the skin of its side
    mask: Floats  # [S] of that, the ear's share
    stands_off: Floats  # [S] share of a step outwards
    outline: "EarOutline"


def _ears(
    model: FaceModel, rest: Tensor, view: OutlineView, plane: Plane, places: Floats
) -> list[Ear]:
    """The ears of vertices [V, 3] at rest, at places [V, 2] of a picture's plane, beside which the
    outline is known."""
    drawn = _silhouette(model, rest, view, plane)
    neutral = model.head.vertices.double().numpy()
    mask, skin = ear_mask(neutral / MM), np.zeros(len(neutral), bool)
    skin[model.head.group_vertices("body").numpy()] = True
    stands_off = mask * smoothstep(ROOT, OUTERMOST, np.abs(neutral[:, 0]))
    ears = []
    for side in (-1.0, 1.0):
        there = skin & (side * neutral[:, 0] > 0)
        own = mask[there], stands_off[there]
        outline = _ear_outline(plane, drawn, places[there] * [side, 1.0], *own, side)
        if outline.wanted.any():
            ears.append(Ear(side, there, *own, outline))
    return ears


def _silhouette(model: FaceModel, rest: Tensor, view: OutlineView, plane: Plane) -> Plane:
    """The mesh [V, 3] at rest in place of the person."""
    corners = project_samples(view.camera, (rest + view.offsets).double().numpy())
    drawn = rasterize(corners, model.head.faces.numpy(), *plane.person.shape)
    there = (drawn.faces != NOTHING).astype(float)
    return replace(plane, person=there, hair=np.zeros_like(there))


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
    lowest, highest = np.quantile(places[mask > EAR, 1], (0, 1))
    heights = np.arange(lowest - BESIDE, highest + BESIDE, STEP)
    out, up = places.T
    skull = _largest(heights, up[mask < HEAD], out[mask < HEAD], 5)
    wanted, own = (_edge(each, heights, skull, side) for each in (plane, drawn))
    known = (wanted > 0) & (own > 0)
    if known[(heights > lowest) & (heights < highest)].sum() * STEP < SHORTEST:
        known[:] = False
    share = _largest(heights, up, stands_off, 5)
    middle = float(lowest + highest) / 2
    return EarOutline(heights, np.where(known, wanted, 0), own, skull, share, middle)


def _best_step(outline: EarOutline, fineness: float) -> tuple[float, float, float] | None:
    """Metres out and up, and by how much longer an ear's outline is nearest to the photo's; None
    where that is no ear's."""
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
    best = min(product(*tried), key=cost)
    return best if cost(best) < UNLIKE else None


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


EAR_SPREAD = 4 * MM  # of how high an ear is found
TOO_HIGH = 2 * MM  # that ears of people/ are found, in the mean


def ears_seen(
    model: FaceModel, person: Person, state: FrameState, view: OutlineView
) -> list[SeenEar]:
    """The ears that the outline of a picture shows; in pixels of the person's camera."""
    rest = _pressed(model.rest(person.shape), view)
    directions = torch.cat([model.units, model.modes])  # [K, V, 3]
    upwards = normalize(state.rotation[:2, 1], dim=0)
    found = []
    for ear in _ears(model, rest, view, *_plane(rest, view)):
        rows = torch.from_numpy(np.flatnonzero(ear.there)[ear.mask > EAR])
        basis = directions[:, rows].mean(1).T[None].contiguous()
        point = PointModel(model.mean[rows].mean(0, keepdim=True), basis, len(model.units))
        placed, step = place(point, person, state), _best_step(ear.outline, 1.0)
        if step is None:
            continue
        metre = person.focal / float(placed.camera[0, 2])
        pixels = placed.pixels[0] + metre * (step[1] - TOO_HIGH) * upwards
        found.append(SeenEar(point, pixels, upwards, EAR_SPREAD * metre))
    return found
