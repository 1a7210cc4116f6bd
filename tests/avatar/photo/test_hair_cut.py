"""Strands before ears that are bare, and in cheeks."""

from dataclasses import replace

import numpy as np

from avatar.geometry.vectors import MM, Floats
from avatar.people.masks import ear_mask
from avatar.photo.hair import PhotoHair
from avatar.photo.hair_cut import behind_ears
from avatar.photo.hair_outline import frame_of
from avatar.photo.subject import Scene


def left_ear(bob: Scene) -> Floats:
    """Vertices [E, 3]."""
    rest = bob.subject.rest.vertices
    ears = ear_mask(bob.subject.painted.vertices / MM) > 0.5
    return rest[ears & (rest[:, 0] > 0)]


def with_bare_ear(bob: Scene) -> Scene:
    """A photo without hair on the left side."""
    view = bob.views[0]
    seen = view.photo.seen
    columns = np.indices(seen.person.shape)[1]
    bare = np.where(columns > frame_of(view).centre[0], 0.0, seen.hair)
    photo = replace(view.photo, seen=replace(seen, hair=bare, person=np.ones_like(seen.person)))
    return replace(bob, views=[replace(view, photo=photo)])


def test_hair_falls_behind_ears_that_are_bare(bob: Scene, hanging: PhotoHair):
    """On the side whose ear is bare alone, as the photo shows it, and on down to the neck."""
    strands, left = hanging.strands, left_ear(bob)
    frame, seen = frame_of(bob.views[0]), bob.views[0].photo.seen
    np.testing.assert_array_equal(behind_ears(bob, strands).points, strands.points)
    moved = behind_ears(with_bare_ear(bob), strands)
    step = np.linalg.norm(moved.points - strands.points, axis=1)
    assert (step > 1 * MM).sum() > 100 and (step[strands.points[:, 0] < 0] == 0).all()
    beside = (moved.points[:, 0] > 0.06) & (moved.points[:, 1] > left[:, 1].min() - 35 * MM)
    beside &= moved.points[:, 1] < left[:, 1].max() - 10 * MM
    assert moved.points[beside, 2].max() < left[:, 2].min() + 1 * MM
    shown, before = (frame.seen(each.points)[0] for each in (moved, strands))
    assert np.linalg.norm(shown - before, axis=1).max() < 0.1 * seen.size[0]


def test_ears_that_stand_out_farther_than_those_of_the_photo_are_bare_as_these(
    bob: Scene, hanging: PhotoHair
):
    bare = with_bare_ear(bob)
    view, strands = bare.views[0], hanging.strands
    columns = np.indices(view.photo.seen.person.shape)[1]
    pixels, _ = frame_of(view).seen(left_ear(bob))
    person = np.where(columns > np.median(pixels[:, 0]), 0.0, view.photo.seen.person)
    photo = replace(view.photo, seen=replace(view.photo.seen, person=person))
    narrow = replace(bare, views=[replace(view, photo=photo)])
    moved, wanted = (behind_ears(each, strands).points for each in (narrow, bare))
    ears = np.abs(strands.points[:, 1] - left_ear(bob)[:, 1].mean()) < 15 * MM
    np.testing.assert_array_equal(moved[ears], wanted[ears])


def test_no_strands_lie_in_cheeks_that_the_jaw_moves(bob: Scene, hanging: PhotoHair):
    subject, strands = bob.subject, hanging.strands
    rest = subject.rest
    skin = np.unique(subject.faces[subject.skin])
    moves = bob.subject.head.unit("jawOpen").norm(dim=1).numpy()
    cheeks = [k for k in skin if k < len(moves) and moves[k] > 5 * MM][:50]
    inside = rest.vertices[cheeks] - 2 * MM * rest.normals[cheeks]
    points = np.concatenate([inside, strands.points[50:]])
    kept = behind_ears(bob, replace(strands, points=points)).points
    np.testing.assert_array_equal(kept, strands.points[50:])
