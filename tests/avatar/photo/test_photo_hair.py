"""Loose hair, and the pieces that show what a photo shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatar.photo.billboard import billboard_cells
from avatar.photo.fit import fit
from avatar.photo.hair import hair_thickness
from avatar.photo.hair_shell import HairShell, hair_shell_of, hair_shell_part
from avatar.photo.photograph import see
from avatar.photo.refine import outside_visual_hull
from avatar.photo.subject import Scene, subject_scene
from avatar.rigging.avatar import Avatar
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from tests.heads_in_pictures import head


def scene(name: str, folder: Path) -> Scene:
    path = folder / f"{name}.png"
    Image.fromarray((head(name, 384).numpy() * 255).astype(np.uint8)).save(path)
    photo = see(path, load_face_finder(), load_matting())
    return subject_scene(fit([photo]), np.random.default_rng(0))


def test_a_bob_hangs_on_both_sides_and_falls_behind_the_face(tmp_path: Path):
    bob = scene("bob", tmp_path)
    view = bob.views[0]
    shell = hair_shell_of(bob, view, hair_thickness(bob))
    assert shell is not None and shell.hangs.any(0).all()
    rows = np.flatnonzero(shell.hangs.all(1))
    assert len(rows) * shell.metres > 0.08
    assert (shell.width[rows] > 0.06).all() and (shell.width[rows] < 0.16).all()
    part = hair_shell_part(bob, view, shell)
    means = part.layer.means
    assert len(part.layer) > 2000 and part.observed.max() == 0
    assert np.abs(means[:, 0]).max() < 0.16
    assert means[:, 2].min() < -0.05 < 0.02 < means[:, 2].max() < 0.1


def test_short_hair_does_not_hang(tmp_path: Path):
    man = scene("man", tmp_path)
    assert hair_shell_of(man, man.views[0], hair_thickness(man)) is None


def test_a_further_photo_shows_what_is_not_there(tmp_path: Path, small_avatar: Avatar):
    view = scene("man", tmp_path).views[0]
    seen = view.photo.seen
    half = np.zeros_like(seen.person)
    half[:, : seen.size[0] // 2] = 1
    alone = replace(view, photo=replace(view.photo, seen=replace(seen, person=half)))
    beyond = outside_visual_hull(small_avatar, [alone])
    means = small_avatar.vertices[small_avatar.faces[small_avatar.binding]].mean(1).numpy()
    assert 0.3 < beyond.mean() < 0.7
    assert means[beyond, 0].mean() > 0.02 and means[~beyond, 0].mean() < -0.02
    assert not outside_visual_hull(small_avatar, []).any()


@pytest.fixture
def shell() -> HairShell:
    hangs, width = np.ones((10, 2), bool), np.tile([0.05, 0.1], (10, 1))
    hangs[:4, 0] = False
    return HairShell(hangs, width, axis=60.0, middle=1.0, deep=(0.08, 0.1), metres=1e-3)


def test_a_hair_shell_is_an_ellipse_cut_off_in_front(shell: HairShell):
    depth, where = shell.front(200)
    assert not where[:4, :60].any() and where[4:].all() and where[:, 60:].all()
    assert depth[5, 159] == pytest.approx(1.0, abs=0.009)
    assert depth[5, 200 - 1] == 1.0 == depth[5, 0]
    x = 95
    assert depth[5, 60 + x] == pytest.approx(1 - 0.08 * np.sqrt(1 - 0.0955**2 / 0.01), abs=1e-6)
    assert depth.min() == depth[5, 60] > 1 - 0.08


def test_cells_cover_what_is_shown_and_are_finer_where_it_has_details():
    picture = np.full((80, 120, 3), 0.5)
    picture[:, 60:] += 0.2 * (np.indices((80, 60)).sum(0) % 2)[..., None]
    shown = np.ones((80, 120), bool)
    shown[:20] = False
    grid = billboard_cells(shown, picture, 4.0)
    assert set(grid.sizes.tolist()) == {2.0, 4.0}
    assert (grid.sizes[grid.x > 66] == 2).all() and (grid.sizes[grid.x < 54] == 4).all()
    assert (grid.sizes**2).sum() == pytest.approx(shown.sum(), rel=0.02)
    rows, columns = grid.pixels
    assert shown[rows, columns].all() and rows.max() > 76 and columns.max() > 116
