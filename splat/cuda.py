"""The gsplat backend: gsplat 1.5.3 on a CUDA device.

Importing this module imports gsplat, which works everywhere; drawing needs CUDA.
"""

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
    device = gaussians.means.device
    pixels, alphas, _ = rasterization(
        means=gaussians.means,
        quats=gaussians.quats,
        scales=gaussians.scales,
        opacities=gaussians.opacities,
        colors=gaussians.sh,
        viewmats=camera.viewmat.to(device)[None],
        Ks=camera.K.to(device)[None],
        width=camera.width,
        height=camera.height,
        near_plane=NEAR_PLANE,
        far_plane=FAR_PLANE,
        eps2d=BLUR,
        sh_degree=round(gaussians.sh.shape[1] ** 0.5) - 1,
        packed=False,
        backgrounds=background.to(device)[None],
        render_mode="RGB+ED" if with_depth else "RGB",
        rasterize_mode=mode,
    )
    color, alpha = pixels[0, ..., :3], alphas[0, ..., 0]
    return color, alpha, pixels[0, ..., 3] if with_depth else None


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
