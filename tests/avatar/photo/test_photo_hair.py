"""Loose hair, and the pieces that show what a photo shows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM
from avatar.geometry.zbuffer import NOTHING, project
from avatar.lighting.materials import tone
from avatar.people.cards import Cards, CardStrands, opaque_points
from avatar.people.hair_cards import SKULL, cards_of
from avatar.people.library import load_library, with_head
from avatar.photo.billboard import billboard_of
from avatar.photo.build import outside_visual_hull
from avatar.photo.clothes import clothes_part
from avatar.photo.hair import (
    LOOSE,
    SHORT,
    PhotoHair,
    combed,
    hair_of_photo,
    hair_part,
    share_ending_at,
    strand_tones,
    sure_hair,
)
from avatar.photo.hair_outline import (
    fitted_cards,
    frame_of,
    lengthened,
    lowest,
    overlap,
)
from avatar.photo.project import beneath_face, hair_mask
from avatar.photo.subject import Scene
from avatar.rigging.avatar import Avatar
from tests.heads_in_pictures import scene


@pytest.fixture(scope="module")
def man(tmp_path_factory) -> Scene:
    return scene("man", tmp_path_factory.mktemp("man"))


def test_a_bob_hangs_on_both_sides_and_short_hair_does_not(
    bob: Scene, hanging: PhotoHair, man: Scene
):
    low, loose = lowest(bob.views[0], frame_of(bob.views[0]))
    assert loose and -0.25 < low < -0.03
    assert not lowest(man.views[0], frame_of(man.views[0]))[1]
    short = hair_of_photo(man)
    assert short is not None
    assert hanging.style.name in LOOSE and short.style.name in SHORT
    beside = hanging.strands.points[hanging.strands.points[:, 1] < -0.05]
    assert min((beside[:, 0] > 0.05).sum(), (beside[:, 0] < -0.05).sum()) > 200


def test_hair_is_nowhere_where_the_photo_shows_none(bob: Scene, hanging: PhotoHair):
    view = bob.views[0]
    pixels, _ = frame_of(view).seen(hanging.strands.points)
    columns, rows = np.clip(pixels, 0, np.array(view.photo.seen.size) - 1).astype(int).T
    assert (view.photo.seen.person[rows, columns] > 0.4).mean() > 0.98
    part = hair_part(bob, hanging)
    count = len(hanging.strands) + len(hanging.lining)
    assert len(part.layer) == count and part.observed[: len(hanging.lining)].max() == 0


def test_no_hair_lies_before_cheeks_that_a_smile_raises(bob: Scene):
    """A strand under the raised cheek would show where the face is at rest."""
    view = bob.views[0]
    mesh = view.triangles != NOTHING
    raised = np.where(mesh, 1 / (1 / np.maximum(view.nearness, 1e-3) - 15 * MM), view.nearness)
    hair = hair_of_photo(replace(bob, views=[replace(view, nearness=raised)]))
    assert hair is not None
    pixels, depths = frame_of(view).seen(hair.strands.points)
    columns, rows = np.clip(pixels, 0, np.array(view.photo.seen.size) - 1).astype(int).T
    bare = (mesh & (hair_mask(view.photo.seen) < 0.5))[rows, columns]
    before = depths < 1 / np.maximum(view.nearness_at_rest[rows, columns], 1e-3)
    assert (bare & before).mean() < 0.002


def test_cloth_goes_on_below_the_photo_in_the_colours_of_its_end(man: Scene):
    """Blue on the one side and green on the other, and grey above these."""
    view = man.views[0]
    seen = view.photo.seen
    picture = seen.picture.copy()
    high, wide = picture.shape[:2]
    picture[high * 3 // 4 :] = 0.5
    picture[-12:, : wide // 2], picture[-12:, wide // 2 :] = (0.1, 0.1, 0.8), (0.1, 0.6, 0.1)
    photo = replace(view.photo, seen=replace(seen, picture=picture))
    made = clothes_part(replace(man, views=[replace(view, photo=photo)])).layer
    points = torch.from_numpy(made.means)
    (x, y), z = project(view.photo.camera, points)[0].numpy().T, made.means[:, 2]
    below = (y > high + 5) & (np.abs(x - wide / 2) > 15) & (z > np.median(z))
    left = x[below] < wide / 2
    red, green, blue = tone(made.radiance[below]).T
    assert min(left.sum(), (~left).sum()) > 50
    assert np.median((blue - green)[left]) > 0.3 and np.median((green - blue)[~left]) > 0.2
    assert np.median(red) < 0.25


def test_cards_grow_to_the_outline_but_not_into_the_head(man: Scene):
    subject, view = man.subject, man.views[0]
    vertices = subject.rest.vertices[: len(subject.head.vertices)]
    library = load_library()
    bust = with_head(library, library.vertices, vertices)
    assert bust[library.head] == pytest.approx(vertices)
    frame = frame_of(view)
    small = cards_of(library, SKULL + 0.93 * (bust - SKULL), "short02")
    grown = fitted_cards(man, small, frame)
    before, after = (overlap(cards, frame, -1.0) for cards in (small, grown))
    assert after > max(0.75, before + 0.03)
    assert np.linalg.norm(grown.vertices - small.vertices, axis=1).max() < 0.06


def test_hair_lies_within_the_person_where_none_is_seen(bob: Scene):
    """As of hair that is behind one ear."""
    view = bob.views[0]
    seen = view.photo.seen
    rows, columns = np.indices(seen.person.shape)
    beside = (columns > float(seen.points[1, 0])) & (rows > float(seen.points[10, 1]))
    person = np.where(beside & (view.triangles == NOTHING), 0, seen.person)
    tucked = replace(seen, hair=np.where(beside, 0, seen.hair), person=person)
    frame = frame_of(replace(view, photo=replace(view.photo, seen=tucked)))
    wide = cards_of(bob.library, bob.bust, "bob02")

    def beyond(cards: Cards) -> int:
        points = opaque_points(cards, 20000, np.random.default_rng(0))
        across, down = frame.seen(points)[0].astype(int).T
        return int((beside & (person < 0.5))[down, across].sum())

    before, after = beyond(wide), beyond(fitted_cards(bob, wide, frame))
    assert before > 1000 and after < 0.5 * before


def test_hanging_hair_grows_longer_below_the_face_alone():
    library = load_library()
    cards = cards_of(library, library.vertices, "bob02")
    before = cards.vertices
    after = lengthened(cards, before[:, 1].min() - 0.04).vertices
    assert after[:, 1].min() == pytest.approx(before[:, 1].min() - 0.04)
    high = before[:, 1] > -0.02
    assert (after[high] == before[high]).all() and (after[:, [0, 2]] == before[:, [0, 2]]).all()
    assert lengthened(cards, -0.02) is cards


def test_a_further_photo_shows_what_is_not_there(man: Scene, small_avatar: Avatar):
    view = man.views[0]
    seen = view.photo.seen
    half = np.zeros_like(seen.person)
    half[:, : seen.size[0] // 2] = 1
    alone = replace(view, photo=replace(view.photo, seen=replace(seen, person=half)))
    beyond = outside_visual_hull(small_avatar, [alone])
    means = small_avatar.vertices[small_avatar.faces[small_avatar.binding]].mean(1).numpy()
    assert 0.3 < beyond.mean() < 0.7
    assert means[beyond, 0].mean() > 0.02 and means[~beyond, 0].mean() < -0.02
    assert not outside_visual_hull(small_avatar, []).any()


def test_a_collar_before_the_neck_is_of_the_clothes_and_a_spot_on_it_is_not(man: Scene):
    view = man.views[0]
    seen = view.photo.seen
    rows, columns = np.indices(seen.person.shape)
    on_head = (view.triangles != NOTHING) & (view.triangles < len(man.subject.head.faces))
    torso = (view.triangles != NOTHING) & ~on_head
    neck = np.asarray(binary_erosion(on_head & beneath_face(seen), iterations=4), bool)
    inside = np.asarray(distance_transform_edt(neck))
    row, column = np.unravel_index(int(inside.argmax()), neck.shape)
    spot = np.hypot(rows - row, columns - column) < 0.5 * inside.max()
    collar = on_head & beneath_face(seen) & (rows > row)
    assert spot.sum() > 20 < collar.sum()
    cheek = seen.picture[tuple(seen.points[50].long().flip(0).tolist())]

    def pieces(cloth: np.ndarray) -> int:
        dressed = np.where((cloth | torso)[..., None], (0.1, 0.2, 0.7), seen.picture)
        picture = np.where((on_head & beneath_face(seen) & ~cloth)[..., None], cheek, dressed)
        photo = replace(view.photo, seen=replace(seen, picture=picture))
        found = billboard_of(replace(man, views=[replace(view, photo=photo)]), hairy=True)
        assert found is not None
        return len(found.part.layer)

    bare = pieces(np.zeros_like(neck))
    assert pieces(collar) > bare + 20 and abs(pieces(spot) - bare) < 5


@pytest.mark.parametrize(("ends", "share"), [(60, 1.0), (66, 1.0), (30, 0.0), (90, 0.0), (10, 0.0)])
def test_hair_goes_on_behind_shoulders_that_it_ends_at(ends: int, share: float):
    """Not where it ends above them, hangs before them, or hangs no lower than the mouth."""
    torso, hair = np.zeros((100, 40), bool), np.zeros((100, 40), bool)
    torso[62:], hair[:ends, 5:12] = True, True
    assert share_ending_at(torso, hair, 20.0, 1 * MM) == share


def test_strands_differ_from_those_around_them_however_light_these_are(hanging: PhotoHair):
    strands = hanging.strands
    fine, large = strand_tones(strands)
    near = KDTree(strands.points).query(strands.points[::50], 300)[1]
    assert fine.std() == pytest.approx(1) and fine[near].mean(1).std() < 0.3
    assert large[near].mean(1).std() > 0.8 * large.std()
    height = strands.points[:, 1]
    shade = 1 - 0.5 * (height - height.min()) / np.ptp(height)  # half as light at the crown
    shaded = strand_tones(replace(strands, colours=strands.colours * shade[:, None]))
    assert np.corrcoef(fine, shaded[0])[0, 1] > 0.9 > 0.6 > np.corrcoef(large, shaded[1])[0, 1]


def test_hair_has_no_colours_that_are_unlike_it(bob: Scene):
    view = bob.views[0]
    seen, sure = view.photo.seen, sure_hair(view)
    inside = np.asarray(distance_transform_edt(sure))
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    rows, columns = np.indices(inside.shape)
    spot = np.hypot(rows - row, columns - column) < 0.6 * inside.max()
    picture = np.where(spot[..., None], (0.1, 0.2, 0.7), seen.picture)
    photo = replace(view.photo, seen=replace(seen, picture=picture))
    kept = sure_hair(replace(view, photo=photo))
    assert spot.sum() > 50 and not kept[spot].any()
    assert (kept & ~spot).sum() > 0.97 * (sure & ~spot).sum()


@pytest.mark.parametrize("degrees", [0.0, 30.0, 60.0, 120.0])
def test_strands_run_as_those_of_the_photo(bob: Scene, hanging: PhotoHair, degrees: float):
    """Stripes of some angle in the hair of the photo; nothing turns where there are none."""
    view, strands = bob.views[0], hanging.strands
    seen, frame = view.photo.seen, frame_of(view)
    rows, columns = np.indices(seen.person.shape)
    along = np.radians(degrees)
    stripes = np.sin((columns * np.sin(along) - rows * np.cos(along)) / 1.5)

    def turned(bright: np.ndarray) -> CardStrands:
        picture = np.where(seen.hair[..., None] > 0.5, bright[..., None], seen.picture)
        return combed(
            replace(view, photo=replace(view.photo, seen=replace(seen, picture=picture))), strands
        )

    flat = turned(np.full(rows.shape, 0.3))
    np.testing.assert_allclose(flat.tangents, strands.tangents, atol=1e-6)
    striped = turned(0.3 + 0.1 * stripes)
    np.testing.assert_allclose(np.linalg.norm(striped.tangents, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose((striped.tangents * striped.normals).sum(1), 0, atol=1e-6)
    changed = np.abs(striped.tangents - strands.tangents).max(1) > 0.02

    def off(turned: CardStrands) -> float:
        """Degrees, the median."""
        ends = [frame.seen(turned.points + side * MM * turned.tangents)[0] for side in (-1, 1)]
        x, y = (ends[1] - ends[0])[changed].T
        return float(np.median(np.abs((np.degrees(np.arctan2(y, x)) - degrees + 90) % 180 - 90)))

    assert changed.mean() > 0.1 and off(striped) < min(8.0, 0.4 * off(strands))
