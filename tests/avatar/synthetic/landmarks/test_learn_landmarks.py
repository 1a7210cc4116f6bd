"""Errors by the view are found again; those that ship hold for a stranger."""

import numpy as np
import pytest
import torch

from avatar.synthetic.landmarks.examples import Examples, examples_of
from avatar.synthetic.landmarks.fit import fit_errors, symmetric
from avatar.tracking.landmark_errors import FEATURES, view_features
from avatar.tracking.landmarks import SKIN_POINTS, learnt_landmarks
from avatar.vision.follow import load_face_finder

MM = 1e-3


def made_up(errors: torch.Tensor, noise: float, outliers: int) -> Examples:
    random = torch.Generator().manual_seed(3)
    views = 0.8 * (torch.rand(400, 2, generator=random).double() - 0.5)
    seen = torch.einsum("lck,fk->flc", errors, view_features(views))
    seen = seen + noise * torch.randn(seen.shape, generator=random).double()
    seen[:outliers] += 30 * MM
    return Examples(seen, views, torch.ones(seen.shape[:2]).double())


def test_errors_are_found_again_in_noise_and_among_outliers():
    true = 2 * MM * torch.randn(5, 2, FEATURES, generator=torch.Generator().manual_seed(4)).double()
    found, spread = fit_errors([made_up(true, MM, 12)])
    views = made_up(true, 0.0, 0).views
    off = torch.einsum("lck,fk->flc", found - true, view_features(views))
    assert float(off.norm(dim=-1).mean()) < 0.4 * MM
    np.testing.assert_allclose(spread.numpy(), MM, rtol=0.15)


def test_what_turns_away_tells_nothing():
    true = MM * torch.ones(5, 2, FEATURES).double()
    shown = made_up(true, 0.1 * MM, 0)
    shown.facing[:, 0], shown.errors[:, 0] = -0.2, 1.0
    found, _ = fit_errors([shown])
    assert not found[0].any()
    assert found[1].any()


def test_symmetric_errors_are_those_of_the_mirrored_picture():
    partner = torch.tensor([1, 0, 2])
    errors = symmetric(torch.randn(3, 2, FEATURES).double(), partner)
    view = torch.tensor([0.3, -0.2]).double()
    mirror = torch.tensor([-1.0, 1.0]).double()
    here, there = (errors @ view_features(each) for each in (view, mirror * view))
    torch.testing.assert_close(there[partner] * mirror, here)


@pytest.mark.slow
def test_the_errors_that_ship_hold_for_a_stranger():
    seen = examples_of(61, 10, load_face_finder())
    learnt = learnt_landmarks().errors[list(SKIN_POINTS)].double()
    expected = torch.einsum("lck,fk->flc", learnt, view_features(seen.views))
    well = seen.facing > 0.4
    before, after = (each[well].norm(dim=-1) for each in (seen.errors, seen.errors - expected))
    assert float(after.square().mean()) < 0.75 * float(before.square().mean())
    assert float(after.median()) < float(before.median())
