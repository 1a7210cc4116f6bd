"""Bounded least squares against SciPy's, one right-hand side at a time."""

import numpy as np
import torch
from scipy.optimize import lsq_linear

from avatar.heads import load_head
from avatar.heads.arkit_fit import solve_bounded


def by_scipy(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    return lsq_linear(matrix, target, (0, 1), method="bvls", tol=1e-14).x


def test_it_agrees_with_scipy():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(40, 12)) @ np.diag(rng.uniform(0.1, 3, 12))
    targets = rng.normal(size=(200, 40)) * 4
    expected = np.stack([by_scipy(matrix, target) for target in targets])
    assert 0.1 < ((expected > 1e-9) & (expected < 1 - 1e-9)).mean() < 0.9
    a, y = torch.from_numpy(matrix), torch.from_numpy(targets)
    assert np.abs(solve_bounded(a.T @ a, y @ a).numpy() - expected).max() < 1e-7


def test_it_agrees_with_scipy_on_the_units_of_a_head():
    units = load_head().units.flatten(1).double()  # [U, 3V]
    rng = np.random.default_rng(1)
    gram = units @ units.T
    factor = torch.linalg.cholesky(gram)
    weights = torch.from_numpy(rng.normal(0.1, 0.5, (20, len(units))))
    found = solve_bounded(gram, weights @ gram)
    targets = (weights @ factor).numpy()
    expected = np.stack([by_scipy(factor.T.numpy(), target) for target in targets])
    assert np.abs(found.numpy() - expected).max() < 1e-6


def test_weights_within_the_bounds_come_back():
    units = load_head().units.flatten(1).double()
    rng = np.random.default_rng(2)
    weights = rng.uniform(0, 1, (100, len(units))) * (rng.uniform(size=(100, len(units))) < 0.3)
    gram = units @ units.T
    found = solve_bounded(gram, torch.from_numpy(weights) @ gram)
    assert np.abs(found.numpy() - weights).max() < 1e-6


def test_no_target_gives_no_weights():
    assert solve_bounded(torch.eye(3), torch.zeros(0, 3)).shape == (0, 3)
