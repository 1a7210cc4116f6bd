"""Billboard of a photo: small flat pieces in the colours of clothes and hair, and of the person
beyond head and torso. They are put in front of the clothes and the hair that the avatar has, or of
a surface that continues these backwards."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import (
    binary_dilation,
    binary_opening,
    distance_transform_edt,
    gaussian_filter,
    maximum_filter,
)

from avatar.geometry.vectors import MM, Bools, Floats, Ints, axes, dot, normalised, smoothstep
from avatar.geometry.zbuffer import NOTHING, camera_centre
from avatar.lighting.materials import untoned
from avatar.people.layer import layer
from avatar.people.masks import ear_mask
from avatar.photo.project import (
    Part,
    View,
    at_rest,
    fully_observed,
    hair_mask,
    nearest,
    owner_triangles,
    sampled,
    smoothed,
    unprojected,
)
from avatar.photo.subject import Scene
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import render, rgb_to_sh

SPACING = 1.6 * MM
DETAIL, FINEST = 0.03, 5000  # of brightness, from which pieces are half as wide; most such ones
PERSON, SURE = 0.5, 0.9  # of the matte: what is drawn, and what has the person's colour alone
HAIRY = 0.5  # of a pixel
FALL = 0.5  # metres back for each metre beyond what is there
DEEPEST = 45 * MM
IN_FRONT = 4 * MM  # of the surface beneath
WIDTH = 0.62  # standard deviation of a piece, of its width
THIN = 6  # pixels: half the width of what is thin
STEEP, FLAT = 0.12, 0.25  # cosines to the view: hair with a surface beneath fades between
LONGEST = 9 * MM  # of a piece, where the billboard is steep
SLIGHT = 10 * MM  # of a bald head: what it is narrower than its outline
NEAR_EAR = 15 * MM
LEAST = 0.05  # of a piece's opacity: with less there is none
SMOOTH = 6 * MM  # over which the billboard is smoothed


@dataclass(frozen=True)
class RenderedHair:
    """The hair of an avatar as rendered from the camera of a photo."""

    there: Bools  # [H, W]
    depth: Floats  # [H, W] metres, where it is


def rendered_hair(avatar: Avatar, view: View, hair: Bools) -> RenderedHair:
    """Hair rendered from the camera of a view; hair [N]: which Gaussians of the avatar it is."""
    vertices = torch.from_numpy(view.shape.vertices[: len(avatar.vertices)]).float()
    share = rgb_to_sh(torch.from_numpy(hair).float()[:, None].expand(-1, 3))[:, None]
    labelled = replace(avatar, gaussians=replace(avatar.gaussians, sh=share))
    drawn = render(
        avatar_rig(labelled, torch.device("cpu"))(vertices), view.photo.camera, backend="cpu"
    )
    assert drawn.depth is not None
    return RenderedHair((drawn.color[..., 0] > HAIRY).numpy(), drawn.depth.double().numpy())


def billboard_part(scene: Scene, rendered: RenderedHair) -> Part | None:
    """The pieces of all that the first photo shows, but for the skin of the head."""
    view = scene.views[0]
    seen = view.photo.seen
    hair = _with_fringes(hair_mask(seen) > HAIRY, view.triangles != NOTHING, seen.person > PERSON)
    on_head = (view.triangles != NOTHING) & (view.triangles < len(scene.subject.head.faces))
    if rendered.there.any():
        hair &= ~(_beside_ears(scene) & _like_skin(seen.picture, hair, on_head & ~hair))
    visible = (seen.person > PERSON) & (hair | ~on_head)
    if not visible.any():
        return None
    torso = (view.triangles >= len(scene.subject.head.faces)) & ~hair
    depth, with_torso = _depth(view, rendered, hair, torso)
    visible &= hair | with_torso | _broad(visible & ~hair, _spacing(view))
    if rendered.there.any():  # else it may be hair that was not found
        visible &= hair | with_torso | ~_beside_ears(scene)
    grid = billboard_cells(visible, seen.picture, _spacing(view))
    flat = _flat(view, grid, depth)
    rows, columns = grid.pixels
    with_head = hair[rows, columns] | ~with_torso[rows, columns]
    rgb = seen.picture[tuple(nearest(seen.person >= SURE)[:, rows, columns])]
    beneath = hair & ((view.triangles != NOTHING) | rendered.there)
    plain = np.where(beneath[rows, columns], smoothstep(STEEP, FLAT, flat.facing), 1.0)
    part = _part(scene, view, flat, with_head, rgb, seen.person[rows, columns] * plain)
    return part[plain > LEAST]


def _beside_ears(scene: Scene) -> Bools:
    """Where [H, W] what the first photo shows is near an ear of the mesh."""
    view, subject = scene.views[0], scene.subject
    ears = ear_mask(subject.painted.vertices / MM)[subject.faces].max(1) > 0
    shown = (view.triangles != NOTHING) & ears[view.triangles]
    return _away(shown) * view.pixel < NEAR_EAR if shown.any() else shown


def _like_skin(picture: Floats, hair: Bools, skin: Bools) -> Bools:
    """Where [H, W] a picture's colour is nearer to the median of skin than to that of hair."""
    away = [
        np.linalg.norm(picture - np.median(picture[where], axis=0), axis=-1)
        for where in (skin, hair)
        if where.any()
    ]
    return away[0] < away[1] if len(away) == 2 else np.zeros(hair.shape, bool)


def _with_fringes(hair: Bools, mesh: Bools, person: Bools) -> Bools:
    """Where [H, W] there is hair, or what its matte leaves out: what is thin and nearer to hair
    than to the mesh."""
    if not hair.any() or not mesh.any():
        return hair
    others = person & ~hair
    thick = np.asarray(binary_dilation(_away(~others) > THIN, iterations=THIN + 1), bool)
    return hair | (others & ~thick & (_away(hair) < _away(mesh)))


def _broad(where: Bools, spacing: float) -> Bools:
    """Where [H, W] something is true, less what is narrower than SLIGHT; spacing: pixels that are
    SPACING."""
    radius = max(1, round(SLIGHT / 2 * spacing / SPACING))
    return np.asarray(binary_opening(where, iterations=radius), bool)


def _away(where: Bools) -> Floats:
    """How far [H, W] pixels each is from where something is true."""
    return np.asarray(distance_transform_edt(~where))


def _spacing(view: View) -> float:
    """How many pixels are SPACING."""
    return max(1.0, SPACING / view.pixel)


def _depth(view: View, rendered: RenderedHair, hair: Bools, torso: Bools) -> tuple[Floats, Bools]:
    """Depth [H, W] of the billboard, and where [H, W] it continues the torso."""
    there = view.triangles != NOTHING
    mesh = 1 / np.maximum(view.nearness, 1e-3)
    pixel = view.pixel
    known = nearest(there)
    rest = loose = _continued(mesh, known, pixel)
    if rendered.there.any():
        loose = _continued(rendered.depth, nearest(rendered.there), pixel)
    sigma = SMOOTH / pixel
    depth = np.where(hair, smoothed(loose, hair, sigma), smoothed(rest, ~hair, sigma))
    before = np.where(there, np.minimum(depth, mesh), depth)
    return before - IN_FRONT, torso[tuple(known)]


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


def billboard_cells(visible: Bools, picture: Floats, size: float) -> BillboardCells:
    """A grid over what is visible [H, W], finer where a picture [H, W, 3] has most details."""
    height, width = visible.shape
    y, x = np.mgrid[size / 2 : height - 0.5 : size, size / 2 : width - 0.5 : size].reshape(2, -1)
    bright = picture.mean(2)
    detail = np.abs(bright - gaussian_filter(bright, size / 2))
    detail = maximum_filter(detail * visible, round(size))[y.astype(int), x.astype(int)]
    fine = detail > max(DETAIL, np.sort(detail)[-FINEST:].min(initial=1.0))
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
    facing: Floats  # [P] cosine between the billboard's normal and the view


def _flat(view: View, grid: BillboardCells, depth: Floats) -> Flat:
    def at(right: float, below: float) -> Floats:
        x, y = grid.x + right * grid.sizes, grid.y + below * grid.sizes
        return unprojected(view, x, y, sampled(depth, np.stack([x, y], 1)))

    across, down = at(0.5, 0) - at(-0.5, 0), at(0, 0.5) - at(0, -0.5)
    points = at(0, 0)
    normals = normalised(np.cross(across, down))
    to_viewer = normalised(camera_centre(view.photo.camera).double().numpy() - points)
    facing = np.abs(dot(normals, to_viewer))[:, 0]
    return Flat(points, _not_longer(across), _not_longer(down), facing)


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
