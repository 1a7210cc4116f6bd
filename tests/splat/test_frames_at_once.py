"""Many frames in one launch, against one after the other.

gsplat's own `rasterization` runs here as it is, with its kernels for CUDA replaced by what gsplat
itself gives as their equals in PyTorch, and by a plain blending of its lists of tiles.
"""

from dataclasses import fields
from typing import Any

import gsplat.rendering
import pytest
import torch
from gsplat.cuda import _torch_impl as plain
from splat_scenes import make_camera, make_gaussians
from torch import Tensor

from splat import Camera, Gaussians, render, render_frames
from splat import cuda as gsplat_backend

TILE = 16


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
def test_one_launch_of_gsplat_draws_what_the_cpu_draws(degree: int, monkeypatch):
    for name, stand_in in KERNELS.items():
        monkeypatch.setattr(gsplat.rendering, name, stand_in)
    gaussians, cameras = three_moments(degree)
    found, alphas = render_frames(gaussians, cameras, BACKGROUND, "gsplat")
    wanted, coverage = one_by_one(gaussians, cameras, BACKGROUND)
    assert found.shape == wanted.shape and alphas.shape == coverage.shape
    assert (alphas - coverage).abs().max() < 2e-3
    assert (found - wanted).abs().max() < 2e-3
    assert (found[0] - found[1]).abs().max() > 0.1  # the frames differ
    alone, _, _ = gsplat_backend.draw(
        frame(gaussians, 1), cameras[1], BACKGROUND, "classic", with_depth=False
    )
    assert torch.allclose(found[1], alone, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("degree", [0, 3])
def test_one_launch_on_cuda_draws_what_the_cpu_draws(degree: int, cuda: torch.device):
    gaussians, cameras = three_moments(degree)
    there = Gaussians(*(getattr(gaussians, f.name).to(cuda) for f in fields(gaussians)))
    found = render_frames(there, cameras, BACKGROUND.to(cuda), "gsplat")
    for one, other in zip(found, one_by_one(gaussians, cameras, BACKGROUND), strict=True):
        assert (one.cpu() - other).abs().max() < 2e-3


def project(means, covars, quats, scales, viewmats, Ks, width, height, **options: Any) -> Any:
    assert covars is None
    covariances: Any
    covariances, _ = plain._quat_scale_to_covar_preci(quats, scales, True, False, triu=False)
    used = {name: options[name] for name in ("eps2d", "near_plane", "far_plane")}
    return plain._fully_fused_projection(means, covariances, viewmats, Ks, width, height, **used)


def colours(degree: int, directions: Tensor, sh: Tensor, masks: Tensor) -> Tensor:
    assert masks.shape == directions.shape[:-1]
    return plain._spherical_harmonics(degree, directions, sh)


def tiles(means2d, radii, depths, tile, across, down, n_images: int, **_: Any) -> Any:
    assert n_images == means2d.shape[:-2].numel() and tile == TILE
    return plain._isect_tiles(means2d, radii, depths, tile, across, down)


def blend(
    means2d: Tensor,  # [..., C, N, 2]
    conics: Tensor,
    colors: Tensor,
    opacities: Tensor,
    width: int,
    height: int,
    tile: int,
    offsets: Tensor,  # [..., C, tiles down, tiles across]
    ids: Tensor,  # [intersections] into all Gaussians of all images
    backgrounds: Tensor,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    down, across = offsets.shape[-2:]
    images = offsets.shape[:-2]
    behind = backgrounds.reshape(-1, 3)
    flat = [means2d.reshape(-1, 2), conics.reshape(-1, 3)]
    flat += [colors.reshape(-1, 3), opacities.reshape(-1)]
    ends = torch.cat([offsets.flatten()[1:], offsets.new_tensor([len(ids)])])
    canvas = torch.zeros(len(behind), down * tile, across * tile, 4)
    for number, (start, end) in enumerate(zip(offsets.flatten(), ends, strict=True)):
        image, place = divmod(number, down * across)
        top, left = (tile * step for step in divmod(place, across))
        rows, columns = top + torch.arange(tile) + 0.5, left + torch.arange(tile) + 0.5
        centres = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)  # [T, T, 2]
        chosen = ids[start:end].long()
        drawn = blend_tile(centres, *(part[chosen] for part in flat))
        canvas[image, top : top + tile, left : left + tile] = drawn
    canvas = canvas[:, :height, :width]
    picture = canvas[..., :3] + (1 - canvas[..., 3:]) * behind[:, None, None]
    return picture.unflatten(0, images), canvas[..., 3:].unflatten(0, images)


def blend_tile(centres, means2d, conics, colors, opacities) -> Tensor:  # [T, T, 4]
    result, left = torch.zeros(*centres.shape[:2], 4), torch.ones(centres.shape[:2])
    for mean, (xx, xy, yy), colour, opacity in zip(means2d, conics, colors, opacities, strict=True):
        dx, dy = (centres - mean).unbind(-1)
        alpha = opacity * torch.exp(-0.5 * (xx * dx**2 + yy * dy**2) - xy * dx * dy)
        alpha = alpha.clamp(max=0.999) * (alpha >= 1 / 255)
        alpha = alpha * (left * (1 - alpha) > 1e-4)
        result += (left * alpha)[..., None] * torch.cat([colour, torch.ones(1)])
        left = left * (1 - alpha)
    return result


KERNELS = {
    "fully_fused_projection": project,
    "spherical_harmonics": colours,
    "isect_tiles": tiles,
    "isect_offset_encode": plain._isect_offset_encode,
    "rasterize_to_pixels": blend,
}
