"""Many frames in one launch, against one after the other.

gsplat's own `rasterization` runs here as it is, with its kernels for CUDA replaced by plain ones.
"""

from dataclasses import fields

import pytest
import torch
from gsplat_kernels import gsplat_kernels
from splat_scenes import make_camera, make_gaussians
from torch import Tensor

from splat import Camera, Gaussians, RasterizeMode, render, render_frames
from splat import cuda as gsplat_backend


def three_moments(degree: int) -> tuple[Gaussians, list[Camera]]:
    """Gaussians that move, turn and grow, and a camera that moves as well."""
    first = make_gaussians(40, degree, 0, spread=0.2)
    frames = [first, *(make_gaussians(40, degree, seed, spread=0.2) for seed in (1, 2))]
    cameras = [make_camera((x, 0.1, 1.5)) for x in (0.0, 0.2, -0.3)]
    means, quats, scales = (
        torch.stack([getattr(frame, name) for frame in frames])
        for name in ("means", "quats", "scales")
    )
    return Gaussians(means, quats, scales, first.opacities, first.sh), cameras


def frame(gaussians: Gaussians, number: int) -> Gaussians:
    parts = (getattr(gaussians, field.name) for field in fields(gaussians))
    means, quats, scales, opacities, sh = parts
    return Gaussians(means[number], quats[number], scales[number], opacities, sh)


def one_by_one(
    gaussians: Gaussians, cameras: list[Camera], background: Tensor
) -> tuple[Tensor, Tensor]:
    drawn = [
        render(frame(gaussians, number), camera, background=background, backend="cpu")
        for number, camera in enumerate(cameras)
    ]
    return torch.stack([each.color for each in drawn]), torch.stack([each.alpha for each in drawn])


BACKGROUND = torch.tensor([0.1, 0.5, 0.9])


def test_the_cpu_draws_moments_as_it_draws_each():
    gaussians, cameras = three_moments(1)
    found = render_frames(gaussians, cameras, BACKGROUND, "cpu")
    wanted = one_by_one(gaussians, cameras, BACKGROUND)
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("degree", [0, 2])
def test_one_launch_of_gsplat_draws_what_the_cpu_draws(degree: int):
    gaussians, cameras = three_moments(degree)
    with gsplat_kernels():
        found, alphas = render_frames(gaussians, cameras, BACKGROUND, "gsplat")
        alone, _, _ = gsplat_backend.draw(
            frame(gaussians, 1), cameras[1], BACKGROUND, "classic", with_depth=False
        )
    wanted, coverage = one_by_one(gaussians, cameras, BACKGROUND)
    assert found.shape == wanted.shape and alphas.shape == coverage.shape
    assert (alphas - coverage).abs().max() < 2e-3
    assert (found - wanted).abs().max() < 2e-3
    assert (found[0] - found[1]).abs().max() > 0.1  # the frames differ
    assert torch.allclose(found[1], alone, atol=1e-6)


@pytest.mark.parametrize("mode", ["classic", "antialiased"])
def test_gradients_through_gsplat_are_those_of_the_cpu(mode: RasterizeMode):
    gaussians, cameras = three_moments(1)
    leaves = [part.clone().requires_grad_() for part in vars(frame(gaussians, 0)).values()]
    with gsplat_kernels():
        found, wanted = (
            render(
                Gaussians(*leaves), cameras[0], background=BACKGROUND, mode=mode, backend=backend
            )
            for backend in ("gsplat", "cpu")
        )
        weights = torch.rand(found.color.shape, generator=torch.Generator().manual_seed(0))
        by_gsplat, by_ours = (
            torch.autograd.grad((drawn.color * weights).sum(), leaves) for drawn in (found, wanted)
        )
    for ours, theirs in zip(by_ours, by_gsplat, strict=True):
        assert (ours - theirs).norm() < 1e-2 * ours.norm()


@pytest.mark.gpu
@pytest.mark.parametrize("degree", [0, 3])
def test_one_launch_on_cuda_draws_what_the_cpu_draws(degree: int, cuda: torch.device):
    gaussians, cameras = three_moments(degree)
    there = Gaussians(*(getattr(gaussians, f.name).to(cuda) for f in fields(gaussians)))
    found = render_frames(there, cameras, BACKGROUND.to(cuda), "gsplat")
    for one, other in zip(found, one_by_one(gaussians, cameras, BACKGROUND), strict=True):
        assert (one.cpu() - other).abs().max() < 2e-3
