"""`render`: Gaussians and a camera to an image, on whichever backend there is."""

from dataclasses import dataclass

import torch
from torch import Tensor

from splat.backend import Backend
from splat.camera import Camera
from splat.conventions import MIN_ALPHA_FOR_DEPTH, RasterizeMode
from splat.cpu.render import draw
from splat.gaussians import Gaussians


@dataclass(frozen=True)
class Rendering:
    """One image."""

    color: Tensor  # [H, W, 3] over the background; not clamped above 1
    alpha: Tensor  # [H, W]
    depth: Tensor | None  # [H, W] expected z-depth, 0 where nothing is; None if not asked for


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: Tensor | None = None,  # [3]
    mode: RasterizeMode = "classic",
    backend: Backend | None = None,
    with_depth: bool = True,
) -> Rendering:
    if background is None:
        background = torch.zeros(3)
    color, alpha, depth = draw(gaussians, camera, background, mode, with_depth)
    if depth is not None:
        depth = depth / alpha.clamp(min=MIN_ALPHA_FOR_DEPTH)
    return Rendering(color, alpha, depth)
