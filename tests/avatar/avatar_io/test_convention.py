"""Gaussians turned upside down and filled up: laws of rotations and of spherical harmonics."""

import pytest
import torch
from splat_scenes import make_camera, make_gaussians

from avatar.avatar_io.splat_formats import of_degree, stored, upside_down
from splat import Camera, activate, render

HALF_TURN = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))


@pytest.mark.parametrize("degree", range(4))
def test_a_turned_world_looks_the_same_to_a_turned_camera(degree: int):
    gaussians, camera = make_gaussians(300, degree, degree), make_camera((0.4, 0.3, 1.2))
    turned = Camera(camera.viewmat @ HALF_TURN, camera.K, camera.width, camera.height)
    seen = render(gaussians, camera, backend="cpu").color
    assert torch.allclose(
        render(upside_down(gaussians), turned, backend="cpu").color, seen, atol=1e-5
    )
    assert seen.std() > 0.05


def test_two_turns_are_none():
    gaussians = make_gaussians(50, 3, 0)
    back = upside_down(upside_down(gaussians))
    assert torch.equal(back.means, gaussians.means) and torch.equal(back.sh, gaussians.sh)
    assert torch.equal(back.quats, -gaussians.quats)  # the same rotations


@pytest.mark.parametrize(("has", "asked"), [(0, 3), (1, 2), (3, 3), (3, 1), (2, 0)])
def test_degrees_are_cut_off_or_filled_with_zeros(has: int, asked: int):
    gaussians = make_gaussians(20, has, 0)
    sh, common = of_degree(gaussians, asked).sh, (min(has, asked) + 1) ** 2
    assert sh.shape == (20, (asked + 1) ** 2, 3)
    assert torch.equal(sh[:, :common], gaussians.sh[:, :common]) and not sh[:, common:].any()


def test_what_is_stored_is_what_is_drawn():
    gaussians = make_gaussians(50, 1, 0)
    back = activate(stored(gaussians))
    for name in ("means", "scales", "opacities", "sh"):
        assert torch.allclose(getattr(back, name), getattr(gaussians, name), rtol=1e-5), name
    assert torch.allclose(back.quats.norm(dim=1), torch.ones(50))


def test_opacities_of_0_and_1_stay_finite():
    gaussians = make_gaussians(2, 0, 0)
    gaussians.opacities[:] = torch.tensor([0.0, 1.0])
    logits = stored(gaussians).opacity_logits
    assert logits.isfinite().all()
    assert torch.allclose(torch.sigmoid(logits), gaussians.opacities, atol=2e-6)
