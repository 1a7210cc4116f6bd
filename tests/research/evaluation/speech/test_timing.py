from itertools import pairwise

import numpy as np
import pytest
import torch

from audio2mesh.data.lips import best_lag, lag_correlations
from research.evaluation.speech.measures import misalignments, warping_path


def _curve(late: float, frames: int = 300) -> torch.Tensor:
    """A mouth opening [F] in metres, `late` by so many frames."""
    t = torch.arange(frames) - late
    return 0.004 * (2 + torch.sin(t / 4.1) + 0.7 * torch.sin(t / 7.3 + 1))


@pytest.mark.parametrize("late", [-5, -1.5, -0.3, 0, 0.25, 0.5, 2.7, 11])
def test_a_shift_is_found_to_a_fraction_of_a_frame(late):
    assert best_lag(lag_correlations(_curve(late), _curve(0))) == pytest.approx(late, abs=0.1)


def test_scale_and_offset_do_not_move_the_lag():
    shifted = 0.002 + 0.3 * _curve(1.4)
    assert best_lag(lag_correlations(shifted, _curve(0))) == pytest.approx(1.4, abs=0.1)


def test_a_constant_has_no_lag_and_short_curves_do_not_break_it():
    assert np.isnan(best_lag(lag_correlations(torch.zeros(100), _curve(0, 100))))
    assert np.isfinite(lag_correlations(_curve(0, 5), _curve(0, 5))).all()


@pytest.mark.parametrize("late", [0, 1, 3])
def test_misalignment_of_a_shifted_curve_is_its_shift(late):
    found = misalignments(_curve(late), _curve(0), 25)
    assert len(found) > 10
    assert np.median(found) == late


def test_a_still_mouth_has_no_extrema():
    assert len(misalignments(torch.zeros(100), _curve(0, 100), 25)) == 0
    assert len(misalignments(_curve(0, 100), torch.zeros(100), 25)) == 0


def _whole_warp(a: np.ndarray, b: np.ndarray) -> float:
    """Cost of the cheapest warp without any band."""
    cost = np.full((len(a) + 1, len(b) + 1), np.inf)
    cost[0, 0] = 0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            before = min(cost[i - 1, j], cost[i, j - 1], cost[i - 1, j - 1])
            cost[i, j] = abs(a[i - 1] - b[j - 1]) + before
    return cost[-1, -1]


@pytest.mark.parametrize("seed", range(5))
def test_the_path_costs_what_the_cheapest_one_does(seed):
    rng = np.random.default_rng(seed)
    a, b = np.cumsum(rng.standard_normal((2, 30)), 1)
    path = warping_path(a, b, 30)
    assert path[0] == (0, 0) and path[-1] == (29, 29)
    steps = {(i2 - i1, j2 - j1) for (i1, j1), (i2, j2) in pairwise(path)}
    assert steps <= {(0, 1), (1, 0), (1, 1)}
    assert sum(abs(a[i] - b[j]) for i, j in path) == pytest.approx(_whole_warp(a, b))


def test_the_path_keeps_to_its_band():
    a, b = np.cumsum(np.random.default_rng(0).standard_normal((2, 60)), 1)
    assert max(abs(i - j) for i, j in warping_path(a, b, 4)) <= 4
