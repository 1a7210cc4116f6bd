"""Loose hair as a shell around head and neck: for every row of a photo an ellipse, as wide as the
hair there, and as deep as the skull."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_closing, gaussian_filter1d, label

from avatar.geometry.vectors import MM, Bools, Floats, Ints, axes
from avatar.geometry.zbuffer import project
from avatar.lighting.materials import untoned
from avatar.people.layer import layer
from avatar.people.masks import scalp_mask
from avatar.photo.hair import BACK, hair_tones, seen_contrast, strand_brightness
from avatar.photo.project import (
    LEAST,
    Part,
    View,
    at_rest,
    hair_mask,
    invented_part,
    owner_triangles,
    unprojected,
)
from avatar.photo.subject import Scene
from avatar.tracking.landmarks import EYES

HAIRY = 0.5  # of the matte
BEYOND = 3 * MM  # of the head's outline, from which hair hangs freely
LEAST_FALL = 15 * MM  # of hair that hangs
SMOOTH = 5 * MM  # of the outline, along the rows
THICK = 8 * MM  # of hair on the skull
WITHIN = 0.97  # of the ellipse, so that what the photo shows is outside
FIRST_ANGLE = 0.9  # radians from the front, from which the shell is seen from the side
LIMB = 1.1  # radians from the front, where its sides and back have their colours from
FOREMOST = 0.35  # of its depth: hair does not hang farther in front, unless on something
FOREHEAD = 10  # the landmark in its middle, at the top
SPACING = 1.6 * MM
STRAND = (3.0, 0.3, 0.6)  # of the spacing: deviations along a strand, through and across it
DOWN = np.array([0.0, -1.0, 0.0])
SIDES = np.array([-1.0, 1.0])  # left and right in the photo


@dataclass(frozen=True)
class HairShell:
    """The ellipses of hair that hangs."""

    hangs: Bools  # [H, 2] in which rows of the photo, on its left and right
    width: Floats  # [H, 2] metres from the axis to the outline
    axis: float  # pixels: the column of the axis
    middle: float  # metres from the camera to the axis
    deep: tuple[float, float]  # metres from the axis to the front and to the back
    metres: float  # of a pixel at the axis

    def front(self, columns: int) -> tuple[Floats, Bools]:
        """Depth [H, W] of its front in a photo so many pixels wide, and where [H, W] it hangs."""
        across = (np.arange(columns) + 0.5 - self.axis) * self.metres
        side = (across > 0).astype(int)
        share = np.abs(across) / np.maximum(self.width[:, side], 1e-6)
        round_about = np.sqrt(np.clip(1 - share**2, 0, 1))
        depth = self.middle - self.deep[0] * np.minimum(round_about, FOREMOST)
        return depth, self.hangs[:, side]


def hair_shell_of(scene: Scene, view: View, thick: Floats) -> HairShell | None:
    """The shell of the hair that a photo shows beside face and neck, if there is any.

    thick [V]: metres that hair stands off the skin.
    """
    camera, seen, shape = view.photo.camera, view.photo.seen, view.shape
    scalp = scalp_mask(scene.subject.painted.vertices / MM) > 0.5
    pixels, depths = project(camera, torch.from_numpy(shape.vertices[scalp]))
    hairy = (shape.vertices + shape.normals * thick[:, None])[scalp]
    farthest = float(project(camera, torch.from_numpy(hairy))[1].max())
    nearest, middle = float(depths.min()), float(depths.min() + depths.max()) / 2
    axis, metres = float(pixels[:, 0].mean()), middle / float(camera.K[0, 0])
    outer = _reach(hair_mask(seen) > HAIRY, axis)
    head = (view.triangles >= 0) & (view.triangles < len(scene.subject.head.faces))
    free = (outer > 0) & ((outer - _reach(head, axis)) * metres > BEYOND)
    top, eyes = int(seen.points[FOREHEAD, 1]), int(seen.points[list(EYES), 1].min())
    free[:eyes] = False
    steps = max(1, round(LEAST_FALL / metres))
    hangs = np.stack([_first_run(side, steps) for side in free.T], axis=1)
    hangs[max(0, top) : eyes] = hangs.any(0) & (outer[max(0, top) : eyes] > 0)
    width = _smooth(outer, SMOOTH / metres) * metres
    deep = (middle - nearest + THICK, farthest - middle)
    return HairShell(hangs, width, axis, middle, deep, metres) if hangs.any() else None


def _reach(where: Bools, axis: float) -> Floats:
    """How far [H, 2] pixels from a column the outermost true pixel of each row is, to the left and
    to the right; 0 where there is none."""
    away = np.arange(where.shape[1]) + 0.5 - axis
    return np.stack([(where * np.maximum(side * away, 0)).max(1) for side in (-1.0, 1.0)], axis=1)


def _first_run(free: Bools, least: int) -> Bools:
    """The uppermost of the runs [H] of at least so many rows, less short gaps."""
    numbers = np.empty(len(free), np.int32)
    label(binary_closing(np.pad(free, least), np.ones(least))[least:-least], output=numbers)
    long = np.flatnonzero(np.bincount(numbers)[1:] >= least)
    return numbers == 1 + long[0] if len(long) else np.zeros(len(free), bool)


def _smooth(widths: Floats, sigma: float) -> Floats:
    """Widths [H, 2] smoothed along the rows, of those that have one."""
    known = gaussian_filter1d((widths > 0).astype(float), sigma, axis=0)
    return gaussian_filter1d(widths, sigma, axis=0) / np.maximum(known, 1e-6)


def hair_shell_part(scene: Scene, view: View, shell: HairShell) -> Part:
    """What is seen of a shell from the sides and from behind, in the colours of its front."""
    rows, sides, angles = _grid(shell)
    width = WITHIN * shell.width[rows, sides]
    across = SIDES[sides] * width * np.sin(angles)
    deep = WITHIN * np.where(angles < np.pi / 2, *shell.deep)
    depth = shell.middle - deep * np.cos(angles)
    focal = shell.middle / shell.metres
    x, y = shell.axis + across * focal / depth, rows + 0.5
    hair = hair_mask(view.photo.seen) > HAIRY
    kept = (angles > np.pi / 2) | hair[rows, _columns(shell, across, hair)]
    source = SIDES[sides] * width * np.where(angles < LIMB, np.sin(angles), np.sin(LIMB))
    rgb = hair_tones(view)[rows, _columns(shell, source, hair)]
    points = unprojected(view, x, y, depth)
    outwards = np.stack([deep * np.sin(angles) * SIDES[sides], 0 * x, -width * np.cos(angles)], 1)
    normals = outwards @ view.photo.camera.viewmat[:3, :3].double().numpy()
    return _strands(scene, view, points[kept], normals[kept], rgb[kept])


def _grid(shell: HairShell) -> tuple[Ints, Ints, Floats]:
    """Rows [P], sides [P] and angles [P] from the front that lie evenly on a shell."""
    every = max(1, round(SPACING / shell.metres))
    widest = max(float(shell.width[shell.hangs].max()), *shell.deep)
    angles = np.arange(FIRST_ANGLE, np.pi, SPACING / widest)
    hangs = np.zeros_like(shell.hangs)
    hangs[::every] = shell.hangs[::every]
    rows, sides = np.nonzero(hangs)
    return rows.repeat(len(angles)), sides.repeat(len(angles)), np.tile(angles, len(rows))


def _columns(shell: HairShell, across: Floats, picture: Bools) -> Ints:
    """Columns [P] of a picture [H, W] at metres [P] from the axis."""
    columns = shell.axis + across / shell.metres
    return np.clip(columns, 0, picture.shape[1] - 1).astype(int)


def _strands(scene: Scene, view: View, points: Floats, normals: Floats, rgb: Floats) -> Part:
    subject = scene.subject
    owners = owner_triangles(subject, points, np.ones(len(points), bool))
    means, outwards = at_rest(subject, view, owners, points, normals)
    bright = BACK * strand_brightness(means, DOWN, seen_contrast(view))
    down = np.tile(DOWN, (len(means), 1))
    scales = tuple(SPACING * share for share in STRAND)
    turns = axes(down, outwards)
    made = layer(means, turns, scales, untoned(rgb * bright[:, None]), 0.93, owners)
    return invented_part(made, LEAST)
