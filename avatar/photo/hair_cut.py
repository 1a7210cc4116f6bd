"""Strands of hair cut to what a photo shows: not beyond the person, before skin and clothes, in
cheeks that move, or before ears that are bare."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats
from avatar.geometry.zbuffer import NOTHING
from avatar.people.cards import CardStrands
from avatar.people.masks import ear_mask
from avatar.people.subject import Subject
from avatar.photo.hair_outline import (
    HAIRY,
    LEAST_HEIGHT,
    PERSON,
    Frame,
    astray,
    frame_of,
    height_over_skin,
    pixels_in,
)
from avatar.photo.landmark_warp import JAW
from avatar.photo.project import View, hair_mask, nearest
from avatar.photo.subject import Scene

REACH = 2.5 * MM  # of a strand beyond its middle
MOST_BEHIND = 80 * MM  # of hair behind clothes that is brought before them
ASTRAY = 12 * MM  # of strands beyond the outline


def cut_out(scene: Scene, strands: CardStrands) -> CardStrands:
    """Strands moved along the picture to where the first photo shows hair, without those that are
    far from it."""
    frame = frame_of(scene.views[0])
    hair = _within(frame.view)
    pixels, _ = frame.seen(strands.points)
    rows, columns, _ = pixels_in(frame.view, pixels)
    there = nearest(hair)[:, rows, columns]
    away = np.stack([there[1] - columns, there[0] - rows], 1)
    metres = away * astray(frame, strands.points, hair)[:, None] * frame.metres
    step = np.stack([metres @ [-frame.up[1], frame.up[0]], metres @ frame.up], 1) @ frame.axes[:2]
    near = np.linalg.norm(metres, axis=1) < ASTRAY
    torso = frame.view.triangles >= len(scene.subject.head.faces)
    step += _behind(frame, strands.points + step, hair & torso)[:, None] * frame.axes[2]
    return replace(strands, points=strands.points + step)[near]


BARE = 0.6  # share of what is seen of an ear, up to some height, that is no hair
FEWEST, LEAST_BARE = 10, 0.4  # vertices of an ear that must be seen so, and of its height
SIDEWAYS = 0.75  # of how far out an ear begins, from where hair is beside the face
PACKED = 0.3  # of their depth before an ear, that locks have behind it
STRAIGHT = 40 * MM  # that they hang below the ear before they come forward
MOVED = 1 * MM  # by an open jaw: cheeks


def behind_ears(scene: Scene, strands: CardStrands) -> CardStrands:
    """Strands that fall behind ears, as far up as the first photo shows these bare, as those of
    tucked hair, and not before them, and lie on the neck below: moved along the view, in which
    nothing changes; without those that lie in cheeks."""
    frame, subject = frame_of(scene.views[0]), scene.subject
    ears, vertices = ear_mask(subject.painted.vertices / MM) > 0.5, subject.rest.vertices
    points, over_skin = strands.points.copy(), _before_mesh(frame, strands.points) - LEAST_HEIGHT
    for side in (-1, 1):
        ear = vertices[ears & (side * vertices[:, 0] > 0)]
        low, high = ear[:, 1].min(), _bare_up_to(frame, ear)
        hung = np.maximum(low - STRAIGHT - points[:, 1], 0)
        before = np.maximum(points[:, 2] - ear[:, 2].min() - hung, 0)
        beside = side * points[:, 0] > SIDEWAYS * np.abs(ear[:, 0]).min()
        below = (side * points[:, 0] > 0) & (points[:, 1] < low)
        on_skin = below * np.clip(over_skin, 0, before)
        back = np.where(beside, (1 + PACKED) * before, on_skin)
        points -= (back * (points[:, 1] < high))[:, None] * frame.axes[2]
    return replace(strands, points=points)[~_in_cheeks(subject, strands.points)]


def _in_cheeks(subject: Subject, points: Floats) -> Bools:
    """Which points [N, 3] lie within the skin that the jaw moves, and would show as it opens."""
    skin = np.unique(subject.faces[subject.skin])
    tree = KDTree(subject.rest.vertices[skin])
    moved = np.zeros(len(subject.rest.vertices))
    moved[: len(subject.head.vertices)] = subject.head.unit(JAW).norm(dim=1).numpy()
    height, _ = height_over_skin(subject, tree, points)
    return (height < LEAST_HEIGHT) & (moved[skin[tree.query(points)[1]]] > MOVED)


def _bare_up_to(frame: Frame, ear: Floats) -> float:
    """Up to which height a photo shows no hair on an ear with vertices [E, 3], in head space;
    nowhere where that is little of the ear."""
    rows, columns, inside = pixels_in(frame.view, frame.seen(ear)[0])
    seen = frame.view.photo.seen
    bare = hair_mask(seen) < HAIRY
    inside &= seen.person[rows, columns] > PERSON
    shown = np.flatnonzero(inside & (_before_mesh(frame, ear) > -LEAST_HEIGHT))
    shown = shown[np.argsort(ear[shown, 1])]  # from the lobe up
    share = np.cumsum(bare[rows, columns][shown]) / (np.arange(len(shown)) + 1)
    count = int(np.flatnonzero(share > BARE).max(initial=-1)) + 1
    high = ear[shown[count - 1], 1] if count >= FEWEST else -np.inf
    return float(high) if high - ear[:, 1].min() > LEAST_BARE * np.ptp(ear[:, 1]) else -np.inf


def _within(view: View) -> Bools:
    """Where [H, W] a photo shows hair, but for its edge to skin, over which strands would reach."""
    hair = hair_mask(view.photo.seen) > HAIRY
    bare = (view.triangles != NOTHING) & ~hair
    far = hair & (np.asarray(distance_transform_edt(~bare)) * view.pixel > REACH)
    return far if far.any() else hair


def _behind(frame: Frame, points: Floats, hair: Bools) -> Floats:
    """How far [N] points [N, 3] are behind the mesh that hides them, where a photo shows hair there
    [H, W]."""
    rows, columns, inside = pixels_in(frame.view, frame.seen(points)[0])
    behind = LEAST_HEIGHT - _before_mesh(frame, points)
    hidden = inside & hair[rows, columns] & (behind < MOST_BEHIND)
    return np.where(hidden, np.maximum(behind, 0), 0)


def _before_mesh(frame: Frame, points: Floats) -> Floats:
    """How far [N] points [N, 3] are before the mesh of their pixel."""
    pixels, depths = frame.seen(points)
    rows, columns, _ = pixels_in(frame.view, pixels)
    return 1 / np.maximum(frame.view.nearness[rows, columns], 1e-3) - depths
