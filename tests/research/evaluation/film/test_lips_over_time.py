"""Figures of two curves, by laws and by plain twins."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from avatar.geometry.vectors import Floats
from research.evaluation.film.lips import (
    DRAWS,
    NEAR,
    SHUT,
    LipCurves,
    block_interval,
    closed,
    closures,
    compare,
    in_step,
    median_interval,
    medians,
    null_rows,
    r_intervals,
)

FPS = 25.0


def speech(seconds: float = 20.0, fps: float = FPS, late: float = 0.0, seed: int = 0) -> LipCurves:
    """Lips that open and close some three times a second, `late` by so many seconds."""
    rng = np.random.default_rng(seed)
    times = (np.arange(round(seconds * fps)) + 0.5) / fps - late
    hertz, phases = rng.uniform(0.5, 4, (2, 6)), rng.uniform(0, 6, (2, 6))
    gap, width = np.sin(2 * np.pi * hertz[..., None] * times + phases[..., None]).sum(1)
    return LipCurves(np.maximum(0.05 + 0.03 * gap, 0.004), 0.5 + 0.02 * width, fps)


def test_a_film_agrees_with_itself():
    silent = np.arange(500) > 400
    found = compare(speech(), speech(), silent)
    for name in ("gap_r", "width_r", "gap_r_unshifted", "width_r_unshifted"):
        assert getattr(found, name) == pytest.approx(1)
    assert found.gap_amplitude == found.width_amplitude == pytest.approx(1)
    assert found.shift_ms == pytest.approx(0, abs=0.5) and found.gap_error == 0
    assert found.closures_found == 1 and found.closures_false == 0
    assert found.closures_called > 10
    speeds = np.abs(np.diff(speech().gap))[401:]
    assert found.silent_speed == pytest.approx(speeds.mean() * FPS)


@pytest.mark.parametrize("frames", [-8, -1, 0, 3, 8.5])
def test_a_delay_is_its_shift(frames: float):
    found = compare(speech(late=frames / FPS), speech())
    assert found.shift_ms == pytest.approx(1e3 * frames / FPS, abs=4)
    whole = frames == round(frames)
    assert found.gap_r > (0.9999 if whole else 0.94) and found.closures_found > 0.95
    if frames:
        assert found.gap_r_unshifted < found.gap_r - 0.01


def test_a_scale_is_an_amplitude():
    true = speech()
    found = compare(replace(true, gap=0.5 * true.gap, width=0.3 + 1.5 * true.width), true)
    assert found.gap_amplitude == pytest.approx(0.5)
    assert found.width_amplitude == pytest.approx(1.5)
    assert (found.gap_r, found.width_r) == pytest.approx((1, 1))
    assert found.gap_error == pytest.approx(0.5 * true.gap.mean(), rel=1e-6)


@pytest.mark.parametrize("fps", [30.0, 29.97, 50.0])
def test_another_frame_rate_is_the_same_motion(fps: float):
    found = compare(speech(fps=fps), speech())
    assert found.gap_r > 0.995 and abs(found.shift_ms) < 3
    assert found.gap_amplitude == pytest.approx(1, abs=0.03)


def test_what_only_one_film_has_is_left_out():
    ours, true = in_step(speech(19.0, fps=30), speech(20.0))
    assert len(ours) == len(true) == 475
    assert compare(speech(21.0), speech(20.0)).gap_r == pytest.approx(1)


def gap_of(states: str) -> Floats:
    return np.where(np.array(list(states)) == "-", 0.5 * SHUT, 2 * SHUT)


def test_a_closure_is_short_and_opens_before_and_after():
    def marked(states: str) -> str:
        return "".join("x" if each else " " for each in closed(gap_of(states), FPS))

    assert marked("--oo--ooo-o--") == "    xx   x   "
    assert marked("oo" + 10 * "-" + "oo" + 11 * "-" + "o") == "  " + 10 * "x" + 14 * " "
    assert not marked("-----").strip() and not marked("ooo").strip()


def test_closures_are_found_as_far_as_two_frames_off():
    true = gap_of("ooooo-ooooooooo-ooooooooo-ooooooooooooooo")
    made = gap_of("oooooooo-oooooo-ooooooo-oooooooooooo--ooo")  # 3, 0 and 2 off, and a false one
    wide = np.random.default_rng(0).random(len(true))  # by how much both are open, to align them
    ours, true = (LipCurves(gap + (gap > SHUT) * wide, wide, FPS) for gap in (made, true))
    found = compare(ours, true)
    assert round(NEAR * FPS) == 2 and abs(found.shift_ms) < 20
    assert found.closures_called == 3 and found.closures_found == pytest.approx(2 / 3)
    assert found.closures_false == pytest.approx(2 / 4)


def test_lips_that_go_to_rest_close_once():
    true = gap_of("oooo--" + 20 * "o" + "--" + 30 * "o" + "--oooo")
    rests = gap_of("ooooo" + 30 * "-" + 24 * "o" + "---oooo")  # at the first one, for over a second
    assert closures(rests, true, FPS) == ([True, False, True], [False])
    shut = np.full(len(true), 0.5 * SHUT)
    assert closures(shut, true, FPS) == ([False] * 3, [])
    assert closures(true, shut, FPS) == ([], [True] * 3)


def test_what_does_not_move_has_no_correlation():
    true = speech()
    rows = null_rows(speech(seed=1), true)
    for name in ("mean mouth", "still"):
        assert math.isnan(rows[name].gap_r) and math.isnan(rows[name].shift_ms)
        assert rows[name].closures_found == 0
        assert rows[name].gap_amplitude == pytest.approx(0, abs=1e-9)
    assert rows["mean mouth"].gap_error == pytest.approx(np.abs(true.gap - true.gap.mean()).mean())


def test_shuffled_motion_is_that_of_chance():
    shuffled = null_rows(speech(60.0), speech(60.0))["shuffled"]
    assert abs(shuffled.gap_r_unshifted) < 0.2 and shuffled.gap_r < 0.5
    assert shuffled.gap_amplitude == pytest.approx(1)
    assert "shuffled" not in null_rows(speech(1.5), speech(1.5))


@pytest.mark.parametrize("frames", [500, 510])
def test_an_interval_is_that_of_blocks_drawn_one_by_one(frames: int):
    rng = np.random.default_rng(1)
    true = np.cumsum(rng.standard_normal(frames))
    ours = 3 + true + 8 * rng.standard_normal(frames)
    edges = np.linspace(0, frames, 11).astype(int)
    parts = [np.arange(a, b) for a, b in pairwise(edges)]
    counts = np.random.default_rng(0).multinomial(10, np.full(10, 0.1), DRAWS)
    drawn = []
    for count in counts:
        rows = np.concatenate([np.tile(part, n) for part, n in zip(parts, count, strict=True)])
        drawn.append(np.corrcoef(ours[rows], true[rows])[0, 1])
    assert block_interval(ours, true, 10) == pytest.approx(np.percentile(drawn, (2.5, 97.5)))


def test_an_interval_holds_the_figure_and_narrows_with_length():
    def noisy(seconds: float) -> tuple[LipCurves, LipCurves]:
        true, noise = speech(seconds), np.random.default_rng(2).standard_normal(int(seconds * FPS))
        return replace(true, gap=true.gap + 0.05 * noise), true

    found = {seconds: r_intervals(*noisy(seconds))["gap_r"] for seconds in (20.0, 200.0)}
    for seconds, (low, high) in found.items():
        assert low < compare(*noisy(seconds)).gap_r < high
    assert np.ptp(found[200.0]) < 0.6 * np.ptp(found[20.0])
    assert math.isnan(r_intervals(*noisy(7.0))["gap_r"][0])


def test_medians_pass_over_what_is_unknown():
    one, other, third = (compare(speech(late=late), speech()) for late in (0, 0.04, 0.12))
    still = null_rows(speech(), speech())["still"]
    assert medians([third, one, still, other]).shift_ms == other.shift_ms
    assert math.isnan(medians([still]).gap_r)
    low, high = median_interval([0.1, 0.2, 0.3, 0.4, 0.5, float("nan")])
    assert 0.1 <= low < 0.3 < high <= 0.5
    assert math.isnan(median_interval([0.1, 0.2, 0.3])[0])
