"""The gsplat backend: gsplat 1.5.3 on a CUDA device.

Importing this module imports gsplat, which works everywhere; drawing needs CUDA.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from gsplat.rendering import rasterization
from torch import Tensor

from splat.scene.camera import Camera
from splat.scene.conventions import BLUR, FAR_PLANE, NEAR_PLANE, RasterizeMode
from splat.scene.gaussians import Gaussians


def draw(
    gaussians: Gaussians,
    camera: Camera,
    background: Tensor,  # [3]
    mode: RasterizeMode,
    with_depth: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Colours [H, W, 3], alphas [H, W] and expected depths [H, W], differentiable."""
    views = camera.viewmat[None], camera.K[None], background[None]
    pixels, alphas = _rasterized(gaussians, views, (camera.width, camera.height), mode, with_depth)
    color, alpha = pixels[0, ..., :3], alphas[0, ..., 0]
    return color, alpha, pixels[0, ..., 3] if with_depth else None


def draw_frames(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    background: Tensor,  # [3]
) -> tuple[Tensor, Tensor]:  # [F, H, W, 3], [F, H, W]
    """Colours and alphas of frames, each by a camera of its own, all of one size, in one launch.

    gaussians: means, quats, scales and SH of each frame, [F, N, ..]; opacities [N] of all.
    """
    g, first = gaussians, cameras[0]
    size = first.width, first.height
    assert all((camera.width, camera.height) == size for camera in cameras)
    count = len(cameras)
    frames = replace(g, opacities=g.opacities.expand(count, -1))
    views = (
        torch.stack([camera.viewmat for camera in cameras])[:, None],
        torch.stack([camera.K for camera in cameras])[:, None],
        background.expand(count, 1, 3),
    )
    colours, alphas = _rasterized(frames, views, size, "classic", with_depth=False)
    return colours[:, 0], alphas[:, 0, ..., 0]


def _rasterized(
    g: Gaussians,  # [..., N]
    views: tuple[Tensor, Tensor, Tensor],  # viewmats [..., C, 4, 4], Ks, backgrounds [..., C, 3]
    size: tuple[int, int],
    mode: RasterizeMode,
    with_depth: bool,
) -> tuple[Tensor, Tensor]:
    """Colours and, if asked for, depths [..., C, H, W, 3 or 4], and alphas [..., C, H, W, 1]."""
    viewmats, Ks, backgrounds = (part.to(g.means) for part in views)
    pixels, alphas, _ = rasterization(
        means=g.means,
        quats=g.quats,
        scales=g.scales,
        opacities=g.opacities,
        colors=g.sh,
        viewmats=viewmats,
        Ks=Ks,
        width=size[0],
        height=size[1],
        near_plane=NEAR_PLANE,
        far_plane=FAR_PLANE,
        eps2d=BLUR,
        sh_degree=round(g.sh.shape[-2] ** 0.5) - 1,
        packed=False,
        backgrounds=backgrounds,
        render_mode="RGB+ED" if with_depth else "RGB",
        rasterize_mode=mode,
    )
    return pixels, alphas


def draw_trial_image() -> None:
    """Draw 16x16 pixels, and fail in whatever way gsplat fails on this machine."""
    device = torch.device("cuda")
    gaussian = Gaussians(
        means=torch.tensor([[0.0, 0.0, 1.0]], device=device),
        quats=torch.tensor([[1.0, 0.0, 0.0, 0.0]], device=device),
        scales=torch.full((1, 3), 0.1, device=device),
        opacities=torch.full((1,), 0.5, device=device),
        sh=torch.zeros(1, 1, 3, device=device),
    )
    K = torch.tensor([[16.0, 0.0, 8.0], [0.0, 16.0, 8.0], [0.0, 0.0, 1.0]])
    color, _, _ = draw(
        gaussian, Camera(torch.eye(4), K, 16, 16), torch.zeros(3), "classic", with_depth=False
    )
    assert color.isfinite().all()
