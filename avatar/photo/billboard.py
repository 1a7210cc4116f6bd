"""Billboard of a photo: small flat pieces in the colours of clothes, and of the person beyond a
head without hair. They are put in front of the clothes that the avatar has, or of a surface that
continues these downwards, and the head backwards."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import (
    binary_opening,
    gaussian_filter,
    grey_opening,
    maximum_filter,
)

from avatar.geometry.vectors import MM, Bools, Floats, Ints, axes
from avatar.geometry.zbuffer import NOTHING, project
from avatar.lighting.materials import untoned
from avatar.people.layer import layer
from avatar.people.masks import ear_mask
from avatar.people.subject import Subject
from avatar.photo.cloth_matte import cloth_mask
from avatar.photo.project import (
    Part,
    View,
    at_rest,
    beneath_face,
    fully_observed,
    hair_mask,
    nearest,
    owner_triangles,
    sampled,
    smoothed,
    touching,
    unprojected,
)
from avatar.photo.subject import Scene

SPACING = 1.6 * MM
DETAIL, FINEST = 0.03, 5000  # of brightness, from which pieces are half as wide; most such ones
PERSON, SURE = 0.5, 0.9  # of the matte: what is drawn, and what has the person's colour alone
HAIRY = 0.5  # of a pixel
FALL = 0.5  # metres back for each metre beyond what is there
DEEPEST = 45 * MM
GAP = 40 * MM  # of clothes, through which their far side is seen: shut up to this width
IN_FRONT, BESIDE = 4 * MM, 2 * MM  # of the surface beneath; behind it, where nothing else is
WIDTH = 0.62  # standard deviation of a piece, of its width
LONGEST = 9 * MM  # of a piece, where the billboard is steep
SLIGHT = 10 * MM  # of a bald head: what it is narrower than its outline
STEEP, LONG, EDGE_ON = 1.5, 3.0, 6.0
"""Depth for each metre across: from where bare skin is shown without pieces before it, where pieces
are half as wide, and where there are none before the mesh, as from aside they would be a fringe."""
SMOOTH, SMOOTH_CLOTH = 6 * MM, 12 * MM  # over which the billboard is smoothed


@dataclass(frozen=True)
class Billboard:
    """Pieces of a photo, and where it has them."""

    part: Part
    visible: Bools  # [H, W]
    depth: Floats  # [H, W]

    def before(self, view: View, points: Floats) -> Bools:
        """Which points [N, 3] hide it, or are next to it, in the photo."""
        pixels, depths = (
            each.numpy() for each in project(view.photo.camera, torch.from_numpy(points))
        )
        height, width = self.visible.shape
        inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
        columns, rows = (pixels * np.asarray(inside, bool)[:, None]).astype(int).T
        hides = depths < self.depth[rows, columns] + BESIDE
        return inside & self.visible[rows, columns] & hides


def billboard_of(scene: Scene, hairy: bool) -> Billboard | None:
    """The pieces of the clothes that the first photo shows, and of what it shows beyond the outline
    of a head without strands (if it is not hairy): a hat, or a skull that is larger."""
    subject, view = scene.subject, scene.views[0]
    seen = view.photo.seen
    there, hair = view.triangles != NOTHING, hair_mask(seen) > HAIRY
    skin = cloth_mask(seen) < 0.5
    bare = np.isin(view.triangles, subject.bare) & skin
    torso = (view.triangles >= len(subject.head.faces)) & ~hair
    torso = touching(torso | (there & ~skin & ~hair), torso)  # with a collar before the neck
    mesh = 1 / np.maximum(view.nearness, 1e-3)
    torso &= ~(bare & (_slopes(mesh, view.pixel) > STEEP))
    known = nearest(there & ~hair)
    with_torso = torso[tuple(known)]
    wanted = _wanted(known, with_torso, skin, bare[tuple(known)])
    if not hairy:
        ears = np.isin(view.triangles, _ear_triangles(subject))[tuple(known)]
        wanted |= ~with_torso & ~ears & ~beneath_face(seen)  # around a bald head, above the mouth
    beyond = ~there & ~hair & (seen.person > PERSON) & wanted
    beyond &= (with_torso & ~skin) | _broad(beyond, _spacing(view))
    on_skin = view.triangles < len(subject.faces) - len(scene.garment.surface.faces)
    depths = _depths(mesh, there & ~hair, with_torso, on_skin, view.pixel)
    depth = np.where(with_torso, *depths)
    slopes = _slopes(depth, view.pixel)
    visible = (seen.person > PERSON) & (torso & ~(there & (slopes > EDGE_ON)) | beyond)
    if not visible.any():
        return None
    grid = billboard_cells(visible, seen.picture, slopes > LONG, _spacing(view))
    rows, columns = grid.pixels
    own = with_torso[rows, columns]
    flat = _flat(view, grid, depths, own)
    rgb = seen.picture[tuple(nearest(seen.person >= SURE)[:, rows, columns])]
    part = _part(scene, view, flat, ~own, rgb, seen.person[rows, columns])
    return Billboard(part, visible, depth)


def _ear_triangles(subject: Subject) -> Ints:
    """Triangles [m] of the ears."""
    ears = ear_mask(subject.painted.vertices / MM) > 0.5
    return np.flatnonzero(ears[subject.faces].any(1))


def _wanted(known: Ints, with_torso: Bools, skin: Bools, by_bare: Bools) -> Bools:
    """Which pixels [H, W] beyond the mesh continue its torso, where the known pixel [2, H, W] that
    is nearest is of that [H, W]: cloth, and what else is below, but no skin [H, W] beside bare skin
    [H, W]."""
    down, across = np.indices(with_torso.shape) - known
    below = down >= -np.abs(across)
    return with_torso & (~skin | (below & ~by_bare))


def _slopes(depth: Floats, pixel: float) -> Floats:
    """How steep [H, W] a surface at depths [H, W] is: metres of depth for each across."""
    down, across = np.gradient(depth)
    return np.hypot(down, across) / pixel


def _broad(where: Bools, spacing: float) -> Bools:
    """Where [H, W] something is true, less what is narrower than SLIGHT; spacing: pixels that are
    SPACING."""
    radius = max(1, round(SLIGHT / 2 * spacing / SPACING))
    beyond = np.pad(where, radius, "edge")
    broad = np.asarray(binary_opening(beyond, iterations=radius), bool)
    return broad[radius:-radius, radius:-radius]


def _spacing(view: View) -> float:
    """How many pixels are SPACING."""
    return max(1.0, SPACING / view.pixel)


def _depths(
    mesh: Floats, known: Bools, with_torso: Bools, on_skin: Bools, pixel: float
) -> tuple[Floats, Floats]:
    """Depths [H, W] of the billboard where it continues the torso, and the head: those of the mesh
    [H, W] where it is known [H, W], smoothed, and in front of skin, where it is on it [H, W]."""

    def alone(where: Bools, reach: float) -> Floats:
        beyond = _continued(mesh, nearest(known & where), pixel)
        shut = grey_opening(beyond, size=max(1, round(GAP / pixel)))
        depth = smoothed(shut, where, reach / pixel)
        return np.where(known & on_skin, np.minimum(depth, mesh), depth) - IN_FRONT

    return alone(with_torso, SMOOTH_CLOTH), alone(~with_torso, SMOOTH)


def _continued(depth: Floats, known: Ints, pixel: float) -> Floats:
    """Depths [H, W] beyond where they are known: ever farther from the known pixel [2, H, W] that
    is nearest to each; pixel: its size in metres."""
    away = np.linalg.norm(known - np.indices(depth.shape), axis=0) * pixel
    return depth[tuple(known)] + np.minimum(FALL * away, DEEPEST)


@dataclass(frozen=True)
class BillboardCells:
    """Squares of a photo, of two sizes."""

    x: Floats  # [P] pixels, their middles
    y: Floats  # [P]
    sizes: Floats  # [P] pixels

    @property
    def pixels(self) -> tuple[Ints, Ints]:
        """Rows and columns [P] of the pixels that they lie in."""
        return self.y.astype(int), self.x.astype(int)


def billboard_cells(visible: Bools, picture: Floats, steep: Bools, size: float) -> BillboardCells:
    """A grid over what is visible [H, W], finer where a picture [H, W, 3] has most details and
    where the billboard is steep [H, W], so that its pieces there are shorter."""
    height, width = visible.shape
    y, x = np.mgrid[size / 2 : height - 0.5 : size, size / 2 : width - 0.5 : size].reshape(2, -1)
    bright = picture.mean(2)
    detail = np.abs(bright - gaussian_filter(bright, size / 2))
    detail = maximum_filter(detail * visible, round(size))[y.astype(int), x.astype(int)]
    fine = detail > max(DETAIL, np.sort(detail)[-FINEST:].min(initial=1.0))
    fine |= steep[y.astype(int), x.astype(int)]
    quarter = np.array([-size, size]) / 4
    by_x, by_y = (part.ravel() for part in np.meshgrid(quarter, quarter))
    grid = BillboardCells(
        np.concatenate([x[~fine], (x[fine, None] + by_x).ravel()]),
        np.concatenate([y[~fine], (y[fine, None] + by_y).ravel()]),
        np.repeat([size, size / 2], [(~fine).sum(), 4 * fine.sum()]),
    )
    rows, columns = grid.pixels
    kept = (rows < height) & (columns < width)
    kept[kept] = visible[rows[kept], columns[kept]]
    return BillboardCells(grid.x[kept], grid.y[kept], grid.sizes[kept])


@dataclass(frozen=True)
class Flat:
    """Small flat pieces of a billboard, in the world."""

    points: Floats  # [P, 3]
    across: Floats  # [P, 3] to the next piece to the right
    down: Floats  # [P, 3] and to the one below


def _flat(
    view: View, grid: BillboardCells, depths: tuple[Floats, Floats], with_torso: Bools
) -> Flat:
    """The pieces at depths [H, W] of the torso, or, where not with it [P], of the head."""

    def at(right: float, below: float) -> Floats:
        x, y = grid.x + right * grid.sizes, grid.y + below * grid.sizes
        torso, head = (sampled(each, np.stack([x, y], 1)) for each in depths)
        return unprojected(view, x, y, np.where(with_torso, torso, head))

    across, down = at(0.5, 0) - at(-0.5, 0), at(0, 0.5) - at(0, -0.5)
    return Flat(at(0, 0), _not_longer(across), _not_longer(down))


def _not_longer(steps: Floats) -> Floats:
    """Steps [P, 3] where the billboard is steep, but no longer than what is seen of it is wide."""
    length = np.linalg.norm(steps, axis=1, keepdims=True)
    return steps * np.minimum(1, LONGEST / np.maximum(length, 1e-9))


def _part(
    scene: Scene, view: View, flat: Flat, with_head: Bools, rgb: Floats, opacity: Floats
) -> Part:
    owners = owner_triangles(scene.subject, flat.points, with_head)
    points, across, down = at_rest(scene.subject, view, owners, flat.points, flat.across, flat.down)
    wide, high = (np.linalg.norm(each, axis=1) for each in (across, down))
    scales = (wide * WIDTH, np.minimum(wide, high) * 0.3, high * WIDTH)
    turns = axes(across, np.cross(across, down))
    return fully_observed(layer(points, turns, scales, untoned(rgb), 0.97 * opacity, owners))
