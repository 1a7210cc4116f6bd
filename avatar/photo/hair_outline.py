"""Hair of the library grown to the outline of a photo's hair, and kept from where it shows none."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import (
    binary_closing,
    binary_opening,
    gaussian_filter1d,
)
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats, Ints, dot, smoothstep
from avatar.geometry.zbuffer import NOTHING, project
from avatar.people.cards import Cards, opaque_points
from avatar.people.hair_cards import SKULL
from avatar.people.subject import Subject
from avatar.photo.project import View, hair_mask
from avatar.photo.subject import Scene

HAIRY, PERSON = 0.5, 0.5  # of the mattes
BESIDE_NECK = (-60 * MM, -100 * MM)  # below the skull's centre: there loose hair is seen
UP = np.array([0.0, 50 * MM, 0.0])
RADIUS = 90 * MM  # of the head, around which its outline is measured
BIN, LONGEST = 4 * MM, 0.45  # metres of the outline's bins, and from the crown to its ends
MOST_GROWTH = 30 * MM
SMOOTH = 3.0  # bins over which growth is smoothed
HANGING, MOST_LONGER = -20 * MM, 70 * MM  # height from where hair is stretched, and by how much
FLYAWAY = 2  # pixels: half the width of locks that do not count
ROOTS = (0, 5 * MM)  # of height over the skin: from the roots to what grows fully
BACK, FLATTER = 95 * MM, 0.6  # behind the skull, from where hair lies that much flatter
LEAST_HEIGHT = 2 * MM  # of hair over the skin


@dataclass(frozen=True)
class Frame:
    """The head in a photo: the directions across and up it, as the photo shows them."""

    view: View
    centre: Floats  # [2] pixels of the skull's centre
    up: Floats  # [2] unit vector in the photo
    metres: float  # of a pixel there
    axes: Floats  # [3, 3] rows: across, up and towards the camera, in head space

    def seen(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels [N, 2] and depths [N] of points [N, 3] in head space that follow the head."""
        pose = self.view.photo.head_pose.double().numpy()
        world = torch.from_numpy(points @ pose[:3, :3].T + pose[:3, 3])
        pixels, depths = project(self.view.photo.camera, world)
        return pixels.numpy(), depths.numpy()

    def outline(self, pixels: Floats) -> tuple[Floats, Floats]:
        """Where along the outline pixels [N, 2] are, and how far they reach: above the skull's
        centre along the circle around it and away from it, below it down and aside; negative on
        the left. Metres [N]."""
        away = (pixels - self.centre) * self.metres
        across, up = away @ [-self.up[1], self.up[0]], away @ self.up
        angle = np.arctan2(np.abs(across), np.maximum(up, 0))
        along = RADIUS * angle + np.maximum(-up, 0)
        reach = np.where(up > 0, np.hypot(across, up), np.abs(across))
        return np.copysign(along, across), reach


def frame_of(view: View) -> Frame:
    """The head as a photo shows it."""
    pose = view.photo.head_pose.double().numpy()
    camera = view.photo.camera
    ends = np.stack([SKULL, SKULL + UP]) @ pose[:3, :3].T + pose[:3, 3]
    pixels, depths = (part.numpy() for part in project(camera, torch.from_numpy(ends)))
    up = (pixels[1] - pixels[0]) / np.linalg.norm(pixels[1] - pixels[0])
    to_camera = camera.viewmat[:3, :3].double().numpy() @ pose[:3, :3]
    in_camera = np.array([[-up[1], up[0], 0.0], [up[0], up[1], 0.0], [0.0, 0.0, -1.0]])
    metres = float(depths[0]) / float(camera.K[0, 0])
    return Frame(view, pixels[0], up, metres, in_camera @ to_camera)


def _profile(along: Floats, reach: Floats) -> Floats:
    """The farthest reach in each bin of the outline; 0 where there is none."""
    bins = np.rint((along + LONGEST) / BIN).astype(int)
    inside = (bins >= 0) & (bins <= round(2 * LONGEST / BIN))
    profile = np.zeros(round(2 * LONGEST / BIN) + 1)
    np.maximum.at(profile, bins[inside], reach[inside])
    return profile


def _in_bins(along: Floats, values: Floats) -> Floats:
    """Values of the bins between these."""
    return np.interp(along, np.arange(len(values)) * BIN - LONGEST, values)


def _hair_pixels(view: View) -> Floats:
    """Pixels [P, 2] of hair, without single hairs."""
    hair = binary_opening(hair_mask(view.photo.seen) > HAIRY, iterations=FLYAWAY)
    return _pixels_of(np.asarray(hair, bool))


def _pixels_of(mask: Bools) -> Floats:
    """The middles [P, 2] of the pixels of a mask [H, W]."""
    rows, columns = np.nonzero(mask)
    return np.stack([columns, rows], 1) + 0.5


def lowest(view: View, frame: Frame) -> tuple[float, bool]:
    """Height in head space at which hair ends, and whether it falls beside the neck."""
    along, reach = frame.outline(_hair_pixels(view))
    profile = _profile(along, reach)
    below = np.arange(len(profile)) * BIN - LONGEST
    below = RADIUS * np.pi / 2 - np.abs(below)
    beside = (below < BESIDE_NECK[0]) & (below > BESIDE_NECK[1])
    loose = bool((profile[beside] > 0).mean() > 0.3)
    low = float(below[profile > 0].min(initial=0.0))
    return float(SKULL[1]) + low, loose


def lengthened(cards: Cards, low: float) -> Cards:
    """Hanging hair stretched so that it reaches down to a height in head space."""
    down = cards.vertices[:, 1]
    ends = float(down.min())
    low = max(low, ends - MOST_LONGER)
    if low >= ends:
        return cards
    stretch = (HANGING - low) / (HANGING - ends)
    longer = np.where(down < HANGING, HANGING + (down - HANGING) * stretch, down)
    vertices = np.column_stack([cards.vertices[:, 0], longer, cards.vertices[:, 2]])
    return replace(cards, vertices=vertices)


def fitted_cards(scene: Scene, cards: Cards, frame: Frame, smooth: float = SMOOTH) -> Cards:
    """Cards grown to the outline of the first photo's hair, and where it shows none, as behind an
    ear, to within that of the person; smooth: bins over which growth is."""
    rng = np.random.default_rng(0)
    hair = _profile(*frame.outline(_hair_pixels(frame.view)))
    person = _profile(*frame.outline(_pixels_of(frame.view.photo.seen.person > PERSON)))
    own = _profile(*frame.outline(frame.seen(opaque_points(cards, SAMPLES, rng))[0]))
    wanted = np.where(hair > 0, hair, np.minimum(own, person))
    known = ((wanted > 0) & (own > 0)).astype(float)
    short = np.clip(wanted - own, -MOST_GROWTH, MOST_GROWTH) * known
    share = gaussian_filter1d(known, smooth)
    growth = gaussian_filter1d(short, smooth) / np.maximum(share, 0.05)
    return replace(cards, vertices=_grown(scene.subject, cards.vertices, frame, growth, own))


def _grown(subject: Subject, vertices: Floats, frame: Frame, growth: Floats, own: Floats) -> Floats:
    """Vertices [P, 3] of cards moved along the picture by what the outline is to grow, fully at
    the outline and not at all at the roots and the middle; in depth by its mean."""
    along, reach = frame.outline(frame.seen(vertices)[0])
    share = np.clip(reach / np.maximum(_in_bins(along, own), 10 * MM), 0, 1)
    away = (vertices - SKULL) @ frame.axes.T
    length = np.hypot(away[:, 0], np.maximum(away[:, 1], 0))
    way = away * [1, 1, 0] / np.maximum(length, 1 * MM)[:, None]
    way[:, 1] = np.maximum(way[:, 1], 0)
    mean = float(growth[growth != 0].mean()) if growth.any() else 0.0
    step = way * (share * _in_bins(along, growth))[:, None]
    deep = np.clip(away[:, 2] / RADIUS, -1, 1)
    step[:, 2] = deep * np.where(deep > 0, min(mean, 0), mean)  # no fringe that juts out
    step[:, 2] += FLATTER * np.maximum(-away[:, 2] - BACK, 0)
    tree = KDTree(subject.rest.vertices[np.unique(subject.faces[subject.skin])])
    height, normals = height_over_skin(subject, tree, vertices)
    moved = vertices + smoothstep(*ROOTS, height)[:, None] * (step @ frame.axes)
    least = np.minimum(height, LEAST_HEIGHT)
    for _ in range(2):
        height, normals = height_over_skin(subject, tree, moved)
        moved = moved + normals * np.maximum(least - height, 0)[:, None]
    return moved


def height_over_skin(subject: Subject, tree: KDTree, points: Floats) -> tuple[Floats, Floats]:
    """Height [N] of points [N, 3] over the skin, and its normals [N, 3]."""
    skin = np.unique(subject.faces[subject.skin])
    near = skin[tree.query(points)[1]]
    normals = subject.rest.normals[near]
    return dot(points - subject.rest.vertices[near], normals)[:, 0], normals


SAMPLES, CELL = 40000, 4 * MM  # samples of cards; cells in which masks are compared


def overlap(cards: Cards, frame: Frame, cut: float) -> float:
    """Intersection over union of the masks of cards above a height and of the photo's hair."""
    hair = hair_mask(frame.view.photo.seen) > HAIRY
    points = opaque_points(cards, SAMPLES, np.random.default_rng(0))
    points = points[(points[:, 1] > cut) & ~astray(frame, points, hair)]
    pixels, depths = frame.seen(points)
    rows, columns, inside = pixels_in(frame.view, pixels)
    head = 1 / np.maximum(frame.view.nearness[rows, columns], 1e-3)
    pixels = pixels[inside & (depths < head + LEAST_HEIGHT)]
    width, height = frame.view.photo.seen.size
    cell = CELL / frame.metres
    edges = [np.arange(0, size + cell, cell) for size in (width, height)]
    masks = [
        np.asarray(binary_closing(np.histogram2d(*each.T, bins=edges)[0] > 0), bool)
        for each in (pixels, _hair_pixels(frame.view))
    ]
    return float((masks[0] & masks[1]).sum() / max(1, (masks[0] | masks[1]).sum()))


def pixels_in(view: View, pixels: Floats) -> tuple[Ints, Ints, Bools]:
    """Rows and columns [N] of pixels [N, 2], and which of them are in the photo."""
    width, height = view.photo.seen.size
    inside = np.asarray(((pixels >= 0) & (pixels < [width, height])).all(1), bool)
    columns, rows = np.clip(pixels, 0, [width - 1, height - 1]).astype(int).T
    return rows, columns, inside


def astray(frame: Frame, points: Floats, hair: Bools) -> Bools:
    """Which points [N, 3] of hair are beyond the person of a photo, or before what it shows of skin
    and clothes, which is not hair [H, W]; also once the cheeks of a smile no longer hide them."""
    view = frame.view
    pixels, depths = frame.seen(points)
    rows, columns, inside = pixels_in(view, pixels)
    there = view.triangles[rows, columns] != NOTHING
    calm, nearness = view.nearness_at_rest[rows, columns], view.nearness[rows, columns]
    first = 1 / np.maximum(np.where(calm > 0, np.minimum(calm, nearness), nearness), 1e-3)
    before = np.where(there, depths < first + LEAST_HEIGHT, points[:, 2] > SKULL[2])
    bare = ~hair[rows, columns]
    beyond = (view.photo.seen.person < PERSON)[rows, columns]
    return inside & (beyond | (bare & before))
