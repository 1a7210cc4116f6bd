"""Beards of photos' people, and short hair in general."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.geometry.vectors import MM
from avatar.people.cards import CardStrands
from avatar.people.hair_cards import SKULL, Style
from avatar.people.masks import beard_mask
from avatar.people.short_hair import RISE, Roots, downwards, risen, roots_on
from avatar.people.skin import OpenSkin, place_skin
from avatar.people.surface import Spots
from avatar.photo.hair import PhotoHair
from avatar.photo.short_hair import beard, hairiness, short_hair
from avatar.photo.subject import Scene
from avatar.photo.surface import Painted, paint_skin
from tests.heads_in_pictures import scene

DARK = np.array([0.02, 0.015, 0.01])  # hairs


@pytest.fixture(scope="module")
def man(tmp_path_factory) -> Scene:
    return scene("man", tmp_path_factory.mktemp("man"))


@pytest.fixture(scope="module")
def shaved(man: Scene) -> Painted:
    return paint_skin(man)


def grown(shaved: Painted, reach: float) -> Painted:
    """Every second sample of the beard that is seen so far beside the middle (mm) shows a hair."""
    skin, rng = shaved.skin, np.random.default_rng(0)
    there = (beard_mask(skin.mm) > 0.5) & (np.abs(skin.mm[:, 0]) < reach) & (shaved.mirrored > 0.1)
    hairs = there & (rng.random(len(there)) < 0.5)
    radiance = np.where(hairs[:, None], DARK, shaved.radiance)
    return replace(shaved, radiance=radiance, unlike=np.where(hairs, 1.0, shaved.unlike))


def aside(skin: OpenSkin) -> np.ndarray:
    """Samples of a beard between jaw and ear, where the photo shows none."""
    return (beard_mask(skin.mm) > 0.9) & (skin.mm[:, 2] < 25) & (skin.mm[:, 1] < -30)


@pytest.mark.parametrize(
    ("reach", "chin", "ear"),
    [(0, (0, 0), (0, 0)), (30, (0.9, 1), (0, 0.1)), (90, (0.9, 1), (0.9, 1))],
)
def test_a_beard_goes_on_as_far_as_it_is_broad(
    man: Scene, shaved: Painted, reach: float, chin: tuple[float, float], ear: tuple[float, float]
):
    painted = grown(shaved, reach)
    skin = painted.skin
    hairy = hairiness(man, painted, None, beard(painted))
    front = (beard_mask(skin.mm) > 0.9) & (np.abs(skin.mm[:, 0]) < 20) & (skin.mm[:, 2] > 80)
    assert aside(skin).sum() > 100
    assert chin[0] <= np.median(hairy[front]) <= chin[1]
    assert ear[0] <= np.median(hairy[aside(skin)]) <= ear[1]
    assert hairy[beard_mask(skin.mm) == 0].max() == 0


def test_hairs_that_no_photo_shows_are_like_those_that_it_shows(man: Scene, shaved: Painted):
    painted = grown(shaved, 90)
    skin = painted.skin
    shaded, (part,) = short_hair(man, painted, None)
    unseen = part.observed == 0
    assert unseen.sum() > 1000
    assert np.median(part.layer.radiance[unseen], axis=0) == pytest.approx(DARK)
    off, before = (np.linalg.norm(each.radiance - DARK, axis=1) for each in (shaded, painted))
    assert (off < 0.7 * before)[aside(skin)].mean() > 0.9
    kept = (beard_mask(skin.mm) == 0) | (painted.observed == 1)
    assert (shaded.radiance == painted.radiance)[kept].all()
    assert np.isin(part.layer.triangles, man.subject.skin).all()


def test_a_bald_and_shaved_face_stays_as_it_is(man: Scene, shaved: Painted):
    painted, parts = short_hair(man, shaved, None)
    assert painted is shaved
    assert parts == []


def test_a_scalp_grows_hair_where_no_strands_lie_over_it(man: Scene, shaved: Painted):
    skin = shaved.skin
    over = np.flatnonzero((skin.scalp > 0.9) & (skin.mm[:, 0] > 10))
    one, nothing = np.ones(len(over)), np.zeros((len(over), 3))
    raised = SKULL + 1.1 * (skin.points[over] - SKULL)
    strands = CardStrands(raised, skin.normals[over], nothing, nothing, one, one)
    hairy = hairiness(
        man, shaved, PhotoHair(strands, strands[np.arange(0)], Style("short02")), 0 * skin.scalp
    )
    back = (skin.scalp > 0.9) & (skin.mm[:, 2] < 0)
    left, right = back & (skin.mm[:, 0] > 20), back & (skin.mm[:, 0] < 0)
    assert hairy[left].max() == 0
    assert hairy[right].mean() > 0.95


def test_beards_grow_with_long_hair_too_and_sideburns_do_not(man: Scene, shaved: Painted):
    far, one = np.ones((1, 3)), np.ones(1)
    lock = CardStrands(far, far, far, far, one, one)
    long = PhotoHair(lock, lock, Style("long01"))
    for reach, least, most in ((0, 0, 0), (90, 0.9, 1)):
        painted = grown(shaved, reach)
        hairy = hairiness(man, painted, long, beard(painted))
        assert least <= np.median(hairy[aside(painted.skin)]) <= most


def test_samples_of_a_scalp_are_as_close_as_they_are_asked_to_be(man: Scene):
    light, rng = man.studio.light, np.random.default_rng(0)
    counts = []
    for scalp in (4 * MM, 2 * MM):
        skin = place_skin(man.subject, light.rest, light.stretched, rng, 2.0, scalp=scalp)
        crown = (skin.scalp > 0.99) & (skin.mm[:, 1] > 60)
        counts.append((crown.sum(), (~crown).sum()))
    (thin, beside), (dense, still) = counts
    assert dense == pytest.approx(4 * thin, rel=0.1)
    assert still < 1.3 * beside


def test_hair_is_as_close_as_skin_is_hairy(man: Scene):
    def hairy(spots: Spots) -> np.ndarray:
        return np.where(man.subject.millimetres(spots)[:, 0] > 0, 0.75, 0.25)

    face = man.subject.skin
    roots = roots_on(man.subject.rest, face, hairy, np.random.default_rng(0))
    left = man.subject.millimetres(roots.spots)[:, 0] > 0
    assert left.sum() == pytest.approx(3 * (~left).sum(), rel=0.1)


def test_hairs_rise_from_the_skin_and_hang_down(man: Scene):
    rng = np.random.default_rng(1)
    roots = roots_on(man.subject.rest, man.subject.skin, lambda spots: np.ones(len(spots)), rng)
    upright = np.abs(roots.normals[:, 1]) < 0.5
    some = Roots(roots.spots[upright], roots.points[upright], roots.normals[upright])
    along = risen(some, downwards(some.points), rng)
    assert np.linalg.norm(along, axis=1) == pytest.approx(1)
    assert (along * some.normals).sum(1) == pytest.approx(RISE / np.hypot(1, RISE))
    assert (along[:, 1] < 0).mean() > 0.98
    mirrored = downwards(some.points * [-1, 1, 1])
    assert mirrored == pytest.approx(downwards(some.points) * [-1, 1, 1])
