"""The sides of a head that a photo shows at grazing angles."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import binary_dilation

from avatar.geometry.vectors import MM, sphere_directions
from avatar.lighting.symmetry import Observed
from avatar.people.masks import ear_mask, jaw_fall
from avatar.people.surface import even_spots
from avatar.photo.cloth_matte import skin_mask
from avatar.photo.clothes import upper_edge
from avatar.photo.fit import LIDS, fit
from avatar.photo.hair import without_hair
from avatar.photo.photograph import see
from avatar.photo.project import hair_mask, polygon, sampled, visible_spots
from avatar.photo.subject import Scene, raised_to_outline, subject_scene
from avatar.photo.surface import GRAZING, observe_skin, paint_skin, without_outliers
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from splat import Camera
from tests.heads_in_pictures import head, scene

NORMALS = sphere_directions(6000)
NORMALS = NORMALS[NORMALS[:, 2] > 0.2]
FACING = NORMALS[:, 2]


def lit_skin(rng: np.random.Generator) -> np.ndarray:
    """Colours [N, 3] of skin on a ball in slow light from the front and one side."""
    light = np.exp(0.6 * NORMALS[:, 2:] - 0.3 * NORMALS[:, :1] - 1)
    return light * [0.8, 0.6, 0.5] * np.exp(0.06 * rng.normal(size=(len(NORMALS), 3)))


def observed(colours: np.ndarray) -> Observed:
    return Observed(colours, np.clip((FACING - 0.2) / 0.3, 0, 1))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_skin_in_slow_light_is_believed(rng: np.random.Generator):
    given = observed(lit_skin(rng))
    kept = without_outliers(given, NORMALS, FACING, np.zeros(len(FACING)))
    assert kept.weight.sum() > 0.97 * given.weight.sum()
    assert (kept.values == given.values).all()


@pytest.mark.parametrize("odd", [(0.8, 0.95, 1.0), (0.03, 0.02, 0.02)], ids=["rim", "hair"])
def test_odd_colours_are_believed_squarely_alone(odd, rng: np.random.Generator):
    colours = lit_skin(rng)
    rim = (NORMALS[:, 0] > 0.75) & (NORMALS[:, 1] > 0)
    lips = FACING > 0.97
    colours[rim | lips] = odd
    given = observed(colours)
    kept = without_outliers(given, NORMALS, FACING, np.zeros(len(FACING)))
    grazing = rim & (FACING < GRAZING)
    assert given.weight[grazing].mean() > 0.2 and kept.weight[grazing].max() < 0.05
    assert (kept.weight[lips] == given.weight[lips]).all()
    assert kept.weight[~rim].sum() > 0.95 * given.weight[~rim].sum()


def test_of_lids_what_is_unlike_skin_is_not_believed_squarely_either(rng: np.random.Generator):
    colours = lit_skin(rng)
    lashes = FACING > 0.97
    colours[lashes] *= 0.5
    given = observed(colours)
    kept = without_outliers(given, NORMALS, FACING, np.ones(len(FACING)))
    assert kept.weight[lashes].max() < 0.1
    assert kept.weight[~lashes].sum() > 0.6 * given.weight[~lashes].sum()


@pytest.fixture(scope="module")
def man(tmp_path_factory) -> Scene:
    path = tmp_path_factory.mktemp("grazing") / "man.png"
    Image.fromarray((head("man", 384).numpy() * 255).astype(np.uint8)).save(path)
    photo = see(path, load_face_finder(), load_matting())
    return subject_scene(fit([photo]), np.random.default_rng(0))


def with_photo(scene: Scene, **changed: np.ndarray) -> Scene:
    view = scene.views[0]
    photo = replace(view.photo, seen=replace(view.photo.seen, **changed))
    return replace(scene, views=[replace(view, photo=photo)])


def test_a_blink_spreads_no_lashes_over_the_lids(man: Scene, monkeypatch: pytest.MonkeyPatch):
    """Of skin in samples that are further apart than a portrait's."""
    monkeypatch.setattr("avatar.photo.surface.FINER", 2.0)
    seen = man.views[0].photo.seen
    eyes = polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])
    lined = np.asarray(binary_dilation(eyes, iterations=15), bool) & ~eyes
    made_up = np.where(lined[..., None], 0.2 * seen.picture, seen.picture)
    bare, dark = (paint_skin(each) for each in (man, with_photo(man, picture=made_up)))
    light = [np.median(each.radiance[each.skin.lids > 0.4].mean(1)) for each in (bare, dark)]
    assert light[1] > 0.4 * light[0]


def drawn_anew(scene: Scene, seed: int = 0) -> Scene:
    """The same scene, whatever was drawn at random before."""
    return replace(scene, studio=replace(scene.studio, rng=np.random.default_rng(seed)))


def darkened(scene: Scene, pixels: np.ndarray) -> Scene:
    """The same scene with a photo that is dark around some pixels [N, 2]."""
    seen = scene.views[0].photo.seen
    rows, columns = np.indices(seen.person.shape)
    dark = np.zeros(rows.shape, bool)
    for x, y in pixels:
        dark |= np.hypot(columns + 0.5 - x, rows + 0.5 - y) < 8
    return with_photo(scene, picture=np.where(dark[..., None], 0.15 * seen.picture, seen.picture))


def test_a_beard_on_the_throat_shades_no_other_skin_of_the_neck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("avatar.photo.surface.FINER", 2.0)
    bob = scene("bob", tmp_path)
    bare = paint_skin(drawn_anew(bob))
    mm, low = bare.skin.mm, bare.skin.mm[:, 1] + jaw_fall(bare.skin.mm)
    throat = (low < -52) & (low > -75) & (mm[:, 0] > 0) & (bare.observed > 0.3)
    assert throat.sum() > 30
    seen = visible_spots(bob.views[0], bare.skin.spots).pixels[throat]
    light = []
    for each in (bare, paint_skin(drawn_anew(darkened(bob, seen)))):
        x, y, z = each.skin.mm.T
        aside = (np.abs(y + jaw_fall(each.skin.mm) + 68) < 16) & (x > 20) & (np.abs(z + 10) < 30)
        aside &= (np.maximum(each.observed, each.mirrored) == 0) & ~each.worn
        light.append(np.median(each.radiance[aside].mean(1)))
    assert light[1] > 0.95 * light[0]


def test_a_dark_patch_at_the_edge_of_what_is_seen_goes_no_further(
    man: Scene, monkeypatch: pytest.MonkeyPatch
):
    """As the end of a brow, or of a beard."""
    monkeypatch.setattr("avatar.photo.surface.FINER", 2.0)
    bare = paint_skin(drawn_anew(man))
    view, skin = man.views[0], bare.skin
    temple = (skin.mm[:, 0] > 40) & (np.abs(skin.mm[:, 1] - 30) < 10)
    edge = np.flatnonzero(temple & (bare.observed > 0.5) & (bare.observed < 0.9))
    made = paint_skin(drawn_anew(darkened(man, visible_spots(view, skin.spots).pixels[edge])))
    light = []
    for each in (bare, made):
        away = np.linalg.norm(each.skin.mm - skin.mm[edge].mean(0), axis=1)
        beyond = (np.maximum(each.observed, each.mirrored) == 0) & (away < 30)
        assert beyond.sum() > 30
        light.append(np.median(each.radiance[beyond].mean(1)))
    assert light[1] > 0.85 * light[0]


def test_skin_takes_no_colour_from_outside_of_the_skin(man: Scene):
    subject, seen = man.subject, man.views[0].photo.seen
    spots = even_spots(subject.rest, subject.skin, 4 * MM, np.random.default_rng(0))
    mask = skin_mask(seen)
    green = np.where(mask[..., None] > 0, seen.picture, [0.0, 1.0, 0.0])
    before, after = (
        observe_skin(subject, scene.views[0], spots)
        for scene in (man, with_photo(man, picture=green))
    )
    whole = sampled(mask, visible_spots(man.views[0], spots).pixels)
    assert before.weight[whole == 0].max() == 0 == after.weight[whole == 0].max()
    inside = (whole == 1) & (after.weight > 0)
    assert inside.sum() > 500
    assert after.values[inside] == pytest.approx(before.values[inside])


def test_ears_are_told_squarely_alone(man: Scene):
    subject, view = man.subject, man.views[0]
    spots = even_spots(subject.rest, subject.skin, 2 * MM, np.random.default_rng(0))
    ears = ear_mask(subject.millimetres(spots)) == 1
    weight = observe_skin(subject, view, spots).weight
    facing = visible_spots(view, spots).facing
    assert weight[ears & (facing < 0.6)].max() == 0
    assert weight[~ears & (facing > 0.4) & (facing < 0.6)].max() > 0.5


def test_what_is_shorn_is_skin(man: Scene):
    seen, bald = (scene.views[0].photo.seen for scene in (man, without_hair(man)))
    assert hair_mask(seen).max() > 0.9 and hair_mask(bald).max() == 0
    assert skin_mask(bald).sum() > skin_mask(seen).sum() + 1000


def test_shoulders_rise_to_the_outline_and_the_head_stays():
    shape = np.array([[x, y, 0.0] for x in (-0.15, 0.0, 0.15) for y in (-0.1, -0.12, -0.25)])
    head = shape[3:4]
    camera = Camera(
        torch.tensor([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 1], [0, 0, 0, 1]]),
        torch.tensor([[200.0, 0, 50], [0, 200.0, 50], [0, 0, 1]]),
        100,
        100,
    )
    rows = np.indices((100, 100))[0]
    moved = raised_to_outline(shape, head, camera, rows >= 70, rows >= 66) - shape
    assert moved[0, 1] == pytest.approx(0.02, abs=1e-3) and moved[0, 1] > moved[1, 1] > 0
    assert moved[2, 1] == pytest.approx(0, abs=1e-3) and (moved[3:5] == 0).sum() >= 5
    nothing = np.zeros((100, 100), bool)
    assert (raised_to_outline(shape, head, camera, rows >= 70, nothing) == shape).all()


def test_a_collar_is_as_high_behind_as_at_its_sides():
    angles = np.radians(np.random.default_rng(0).uniform(-180, 180, 4000))
    heights = np.random.default_rng(1).uniform(-140, -80, 4000)
    mm = np.stack([50 * np.sin(angles), heights, 50 * np.cos(angles)], 1)
    square = mm[:, 2] > 10
    neck = np.ones(len(mm), bool)
    tops = upper_edge(mm, neck, square, square & (heights < -110))
    assert np.abs(tops + 114).max() < 6
    assert np.isneginf(upper_edge(mm, neck, square, np.zeros_like(neck))).all()
    lapels = square & (heights < -110) & (np.abs(mm[:, 0]) > 40)  # which leave the throat free
    tops = upper_edge(mm, neck, square, lapels)
    throat = (np.abs(mm[:, 0]) < 20) & (mm[:, 2] > mm[neck, 2].mean())
    assert throat.sum() > 8 and np.isneginf(tops[throat]).all() and np.isfinite(tops[lapels]).all()
