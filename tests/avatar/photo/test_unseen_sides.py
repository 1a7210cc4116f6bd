"""Colours for the sides that no photo shows: in range, and without a seam."""

import numpy as np
import pytest

from avatar.geometry.vectors import sphere_directions
from avatar.lighting.symmetry import Observed
from avatar.photo.completion import blended, expected_light, fine_detail, logs
from avatar.photo.robust_fill import DARK, filled, robust_mean, seamless

BALL = sphere_directions(3000)
ORANGE, WHITE, SKIN = (1.0, 0.4, 0.05), (1.0, 1.0, 1.0), np.array([0.7, 0.5, 0.4])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def skin_of(rng: np.random.Generator, count: int) -> np.ndarray:
    """Colours [N, 3] of skin that is lighter here than there."""
    return SKIN * np.exp(0.25 * rng.normal(size=(count, 1)) + 0.03 * rng.normal(size=(count, 3)))


def test_usual_colours_stay_as_they_are(rng: np.random.Generator):
    observed = Observed(skin_of(rng, 1000), np.ones(1000))
    middle = SKIN * np.exp(0.2 * rng.uniform(-1, 1, (50, 1)))
    assert robust_mean(middle, observed, 2.0) == pytest.approx(middle)


@pytest.mark.parametrize("odd", [ORANGE, WHITE, (0.01, 0.01, 0.3)])
def test_odd_colours_come_into_the_range_of_those_that_are_told(odd, rng: np.random.Generator):
    colours = skin_of(rng, 1000)
    colours[:50] = odd  # what is observed has some as well
    observed = Observed(colours, np.ones(1000))
    near = robust_mean(np.array([odd]), observed, 2.0)[0]
    assert robust_mean(near[None], observed, 2.0)[0] == pytest.approx(near, abs=1e-6)
    shades, usual_shades = (each / each.sum(-1, keepdims=True) for each in (near, SKIN))
    assert np.abs(shades - usual_shades).max() < 0.1
    bright = colours[50:].sum(1)
    assert 0.9 * bright.min() < near.sum() < 1.1 * bright.max()


def test_where_little_is_told_nothing_is_usual(rng: np.random.Generator):
    observed = Observed(skin_of(rng, 1000), np.full(1000, 0.5))
    assert (robust_mean(np.array([ORANGE]), observed, 2.0) == ORANGE).all()


def test_the_other_side_is_as_bright_as_the_own_where_they_meet(rng: np.random.Generator):
    own = Observed(skin_of(rng, len(BALL)), (BALL[:, 0] < 0).astype(float))
    darker = 0.6 * (own.values + DARK) - DARK
    there = seamless(own, Observed(darker, (BALL[:, 0] > -0.3).astype(float)), BALL * 0.05, BALL)
    meeting = np.abs(BALL[:, 0]) < 0.1
    assert there.values[meeting] == pytest.approx(own.values[meeting], rel=0.1)
    assert (there.weight == (BALL[:, 0] > -0.3)).all()


def test_unseen_skin_has_its_own_pattern_in_the_light_of_the_seen(rng: np.random.Generator):
    pattern = 0.3 * np.exp(0.2 * rng.normal(size=(len(BALL), 1))) * SKIN
    light = np.exp(0.3 * BALL[:, 2:]) * [1.2, 1.0, 0.8]
    seen = np.clip((BALL[:, 2] - 0.2) / 0.2, 0, 1)
    odd = np.where(seen[:, None] > 0, pattern * light, 5.0)
    observed = Observed(odd, seen)
    expected, _ = expected_light(observed, pattern, BALL)
    made = blended(observed, expected, BALL * 0.05, BALL)
    near = (BALL[:, 2] > 0) & (BALL[:, 2] < 0.2)
    assert made[near] == pytest.approx((pattern * light)[near], rel=0.15)
    behind = BALL[:, 2] < -0.3
    hues = [each / each.sum(1, keepdims=True) for each in (made[behind], (pattern * light)[behind])]
    assert np.abs(hues[0] - hues[1]).max() < 0.03


def test_skin_in_lamps_of_several_hues_is_expected_in_their_mean_hue(rng: np.random.Generator):
    albedo = skin_of(rng, len(BALL))
    lamps = np.exp(BALL[:, 2:] * [0.9, 0.5, 0.1] + BALL[:, :1] * [0.2, 0.0, -0.2])
    seen = Observed(albedo * lamps, (BALL[:, 2] > 0.3).astype(float))
    expected, _ = expected_light(seen, albedo, BALL)
    off = (expected - logs(seen.values))[seen.weight > 0].mean(0)
    np.testing.assert_allclose(off, 0, atol=0.03)


def test_brows_are_not_like_skin(rng: np.random.Generator):
    brow = np.abs(BALL[:, 1] - 0.4) < 0.05
    skin = skin_of(rng, len(BALL))
    seen = Observed(np.where(brow[:, None], 0.1 * skin, skin), (BALL[:, 2] > 0.3).astype(float))
    _, alike = expected_light(seen, np.full_like(skin, skin.mean()), BALL)
    assert alike.weight[brow].max() == 0
    assert alike.weight[~brow & (seen.weight > 0)].mean() > 0.95


@pytest.mark.parametrize("count", [1, 2, 8, 30])
def test_a_surface_of_few_samples_is_filled_from_what_is_observed(count: int):
    """A collar may have fewer samples than a sample has neighbours elsewhere."""
    points = np.column_stack([0.001 * np.arange(count), np.zeros((count, 2))])
    normals = np.tile([0.0, 0.0, 1.0], (count, 1))
    weight = (np.arange(count) == 0).astype(float)
    values = np.where(weight[:, None] > 0, [[0.2, 0.4, 0.6]], 0.0)
    found = filled(Observed(values, weight), points, normals)
    np.testing.assert_allclose(found, np.tile([0.2, 0.4, 0.6], (count, 1)), atol=0.02)


def test_unseen_skin_has_the_pores_of_the_seen(rng: np.random.Generator):
    ball = sphere_directions(20000)
    pores = np.exp(0.1 * rng.normal(size=(len(ball), 1)))
    smooth = np.exp(0.4 * ball[:, :1])
    seen = Observed(SKIN * smooth * pores, (ball[:, 2] > 0.2).astype(float))
    made = fine_detail(seen, 40 * ball, ball, rng)
    assert not made[seen.weight > 0].any()
    beside = (ball[:, 2] < 0.1) & (ball[:, 2] > -0.6)
    assert 0.09 < made[beside].std() < 0.12
    assert abs(made[beside].mean()) < 0.01


def test_stubble_is_none_of_the_pores(rng: np.random.Generator):
    ball = sphere_directions(20000)
    stubble = (ball[:, 0] > 0.7) & (ball[:, 2] > 0.2)
    fine = np.where(stubble, 0.25, 0.04) * rng.normal(size=len(ball))
    seen = Observed(SKIN * np.exp(fine[:, None]), (ball[:, 2] > 0.2).astype(float))
    made = fine_detail(seen, 40 * ball, ball, rng)
    beside = (ball[:, 2] < 0.1) & (ball[:, 2] > -0.6) & (ball[:, 0] > 0.5)
    assert 0.03 < made[beside].std() < 0.06


def test_a_few_seen_samples_tell_no_pores(rng: np.random.Generator):
    far = Observed(skin_of(rng, len(BALL)), (rng.random(len(BALL)) < 0.02).astype(float))
    assert not fine_detail(far, 80 * BALL, BALL, rng).any()
    nothing = Observed(far.values, np.zeros(len(BALL)))
    assert not fine_detail(nothing, 80 * BALL, BALL, rng).any()
    everything = Observed(far.values, np.ones(len(BALL)))
    assert not fine_detail(everything, 80 * BALL, BALL, rng).any()
