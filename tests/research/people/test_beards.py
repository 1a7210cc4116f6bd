"""Beards of made-up people."""

import numpy as np
import pytest

from research.captures.pose import pose_scene
from research.captures.scene import build_scene
from research.people.beard import bearded
from research.people.sampler import BEARDED, random_person

FULL = 3  # a seed of a man with a full beard


def test_some_men_have_beards_and_no_women():
    people = [random_person(seed) for seed in range(400)]
    women = [each for each in people if each.clothes.startswith("female")]
    men = [each for each in people if each.clothes.startswith("male")]
    assert len(men) + len(women) == 400
    assert not any(each.beard for each in women)
    share = np.mean([each.beard is not None for each in men])
    assert share == pytest.approx(BEARDED, abs=0.08)
    assert {each.beard for each in men} == {None, "full", "goatee", "moustache"}


def test_a_goatee_is_in_front_and_a_moustache_above_the_mouth():
    points = np.array([[0.0, -75, 90], [0, -39, 98], [65, -50, 20], [0, 20, 90]])
    full, goatee, moustache, none = (
        bearded(points, form) > 0.1 for form in ("full", "goatee", "moustache", None)
    )
    assert full.tolist() == [True, True, True, False]
    assert goatee.tolist() == [True, True, False, False]
    assert moustache.tolist() == [False, True, False, False]
    assert not none.any()


def test_a_beard_hangs_on_the_skin_and_follows_the_jaw():
    scene = build_scene(FULL)
    number = int(scene.triangles.picture.max())
    hairs = scene.triangles.faces[scene.triangles.picture == number]
    assert len(hairs) > 3000
    jaw = scene.head.unit_names.index("jawOpen")
    still = np.eye(4)
    rest, opened = (
        pose_scene(scene, weight * scene.units[jaw].numpy(), still).vertices for weight in (0, 1)
    )
    moved = np.linalg.norm((opened - rest)[hairs], axis=2)  # [N, 3]
    assert np.ptp(moved, axis=1).max() < 1e-9
    assert moved.max() > 0.02
    assert moved.min() < 0.002
