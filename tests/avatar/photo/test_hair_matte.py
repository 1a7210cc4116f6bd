"""The whole of a photo's hair, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from avatar.geometry.vectors import MM
from avatar.geometry.zbuffer import NOTHING
from avatar.people.masks import beard_mask
from avatar.photo.hair_matte import Shown, whole_hair, without_background
from avatar.photo.project import FACE, hair_mask, polygon
from avatar.photo.subject import Scene


def test_hair_that_was_missed_is_found_by_its_colour_and_bare_skin_is_not(bob: Scene):
    view = bob.views[0]
    seen = view.photo.seen
    head = view.triangles < len(bob.subject.head.faces)
    head &= view.triangles != NOTHING
    shown = Shown(head, ~head & head, ~head & head, view.pixel)
    true = hair_mask(seen) > 0.5
    half = np.where(np.arange(seen.size[0]) < float(seen.points[1, 0]), seen.hair, 0)
    found = hair_mask(replace(seen, hair=whole_hair(replace(seen, hair=half), shown))) > 0.5
    union = (found | true).sum()
    assert (found & true).sum() / union > 0.9 > 0.7 > (true & (half > 0.5)).sum() / true.sum()
    cheek = seen.picture[tuple(seen.points[50].long().flip(0).tolist())]
    shorn = np.where(seen.hair[..., None] > 0.02, cheek, seen.picture)
    bald = replace(seen, hair=np.zeros_like(seen.hair), picture=shorn)
    assert (whole_hair(bald, shown) > 0.5).sum() < 0.01 * true.sum()


def test_what_hair_is_all_around_is_hair_whatever_its_colour(bob: Scene):
    view = bob.views[0]
    seen = view.photo.seen
    head = (view.triangles != NOTHING) & (view.triangles < len(bob.subject.head.faces))
    true = whole_hair(seen, Shown(head, head, ~head & head, view.pixel)) > 0.5
    inside = np.asarray(distance_transform_edt(true))
    row, column = np.unravel_index(int((inside * head).argmax()), head.shape)
    rows, columns = np.indices(head.shape)
    hole = np.hypot(rows - row, columns - column) < 0.6 * inside[row, column]
    assert hole.sum() > 50
    cheek = seen.picture[tuple(seen.points[50].long().flip(0).tolist())]
    picture = np.where(hole[..., None], cheek, seen.picture)
    missed = replace(seen, picture=picture, hair=np.where(hole, 0, seen.hair))
    assert (
        whole_hair(missed, Shown(head, head, ~head & head, view.pixel))[hole] > 0.5
    ).mean() > 0.95


def test_a_coloured_background_is_taken_out_of_thin_hair_and_a_grey_one_may_be_a_highlight(
    bob: Scene,
):
    view = bob.views[0]
    seen = view.photo.seen
    depth = np.asarray(distance_transform_edt(seen.person > 0.5)) * view.pixel
    hair = hair_mask(seen) > 0.5
    thin = hair & (depth > 1 * MM) & (depth < 8 * MM)

    def off(background: tuple[float, float, float], share: float) -> tuple[float, float]:
        """Mean differences from hair that nothing shines through, before and after."""
        true = np.where(seen.person[..., None] < 0.05, background, seen.picture)
        through = true + share * thin[..., None] * (background - true)
        found = without_background(replace(seen, picture=through), view.pixel)
        np.testing.assert_array_equal(found[~hair], through[~hair])
        return np.abs(through - true)[thin].mean(), np.abs(found - true)[thin].mean()

    orange, grey = (0.9, 0.45, 0.1), (0.8, 0.8, 0.8)
    before, after = off(orange, 0.4)
    assert after < 0.3 * before
    assert off(orange, 0.0)[1] < 0.01
    before, after = off(grey, 0.4)
    assert after == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize("worn_alike", [False, True])
def test_hair_goes_on_below_the_chin_but_not_in_clothes_of_its_colours(
    bob: Scene, worn_alike: bool
):
    view = bob.views[0]
    seen = view.photo.seen
    head = (view.triangles != NOTHING) & (view.triangles < len(bob.subject.head.faces))
    hair, rng = hair_mask(seen) > 0.9, np.random.default_rng(0)
    rows, columns = np.indices(head.shape)
    mouth, chin = (seen.points[k].double().numpy() for k in (13, 152))
    away = np.asarray(distance_transform_edt(~head)) * view.pixel
    lock = ~head & (away < 40 * MM) & (rows > mouth[1]) & (columns < chin[0])
    lock &= rows < chin[1] + 30 * MM / view.pixel
    chest = ~lock & (rows > chin[1] + 30 * MM / view.pixel)
    picture, own = seen.picture.copy(), seen.picture[hair]
    picture[lock] = rng.choice(own, lock.sum())
    picture[chest] = rng.choice(own, chest.sum()) if worn_alike else (0.1, 0.2, 0.7)
    dressed = replace(
        seen,
        picture=picture,
        person=np.where(lock | chest, 1.0, seen.person),
        hair=np.where(lock | chest, 0.0, seen.hair),
    )
    found = whole_hair(dressed, Shown(head, ~head & head, ~head & head, view.pixel)) > 0.5
    below = lock & (rows > chin[1])
    assert below.sum() > 100
    assert found[below].mean() < 0.05 if worn_alike else found[below].mean() > 0.8


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_hair_on_most_of_the_chin_is_a_beard_and_locks_beside_it_are_hair(bob: Scene, share: float):
    view = bob.views[0]
    seen, faces = view.photo.seen, len(bob.subject.head.faces)
    head = (view.triangles != NOTHING) & (view.triangles < faces)
    mm = bob.subject.painted.vertices[bob.subject.faces].mean(1) / MM
    grows = head & (beard_mask(mm) > 0.5)[view.triangles]
    low = np.arange(len(head))[:, None] > float(seen.points[17, 1])  # beneath the lower lip
    chin = grows & low & polygon(seen, FACE)
    hairs = chin & (np.arange(head.shape[1]) < np.quantile(np.nonzero(chin)[1], share))
    taken = replace(seen, hair=np.where(hairs, 0.9, seen.hair))
    found = whole_hair(taken, Shown(head, ~head & head, grows, view.pixel)) > 0.5
    near = np.asarray(distance_transform_edt(~grows)) * view.pixel < 10 * MM
    assert found[(seen.hair > 0.9) & ~near].mean() > 0.99
    assert found[hairs].mean() < 0.1 if share == 1 else found[hairs].mean() > 0.9
