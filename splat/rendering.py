"""`render`: Gaussians and a camera to an image, on whichever backend there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor

from splat.backend import Backend, choose_backend
from splat.cpu.render import draw
from splat.scene.camera import Camera
from splat.scene.conventions import RasterizeMode
from splat.scene.gaussians import Gaussians


@dataclass(frozen=True)
class Rendering:
    """One image."""

    color: Tensor  # [H, W, 3] over the background; may exceed 1
    alpha: Tensor  # [H, W]
    depth: Tensor | None  # [H, W] expected z-depth, 0 where nothing is; None if not asked for


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: Tensor | None = None,  # [3], black if None
    mode: RasterizeMode = "classic",
    backend: Backend | None = None,
    with_depth: bool = True,
) -> Rendering:
    """Draw Gaussians as gsplat 1.5.3 does, on either backend with the same numbers.

    Differentiable by the Gaussians' five tensors, the camera's `viewmat` and the background, but
    not by `K`. Fastest without gradients (`torch.no_grad` or no tensor that requires one) and with
    `with_depth=False`. Without `backend`, the one that suits the device of the Gaussians is taken.
    Raises InputError if that is CUDA and gsplat cannot draw there.
    """
    _check(gaussians, camera)
    if background is None:
        background = torch.zeros(3).to(gaussians.means)
    if backend is None:
        backend = choose_backend("cuda" if gaussians.means.is_cuda else "cpu").backend
    if backend == "cpu":
        return Rendering(*draw(gaussians, camera, background, mode, with_depth))
    if backend == "gsplat":
        from splat import cuda  # noqa: PLC0415  gsplat takes seconds to import

        return Rendering(*cuda.draw(gaussians, camera, background, mode, with_depth))
    assert_never(backend)


def render_frames(
    gaussians: Gaussians, cameras: Sequence[Camera], background: Tensor, backend: Backend
) -> Tensor:  # [F, H, W, 3]
    """Colours of F moments over a background [3], without gradients; on CUDA in one launch.

    gaussians: means, quats and scales of each moment, [F, N, ..]; opacities [N] and SH [N, K, 3] of
    all. cameras: one for each moment, all of one size.
    """
    g = gaussians
    moments = [
        Gaussians(*parts, g.opacities, g.sh)
        for parts in zip(g.means, g.quats, g.scales, strict=True)
    ]
    for moment, camera in zip(moments, cameras, strict=True):
        _check(moment, camera)
    if backend == "gsplat":
        from splat import cuda  # noqa: PLC0415  gsplat takes seconds to import

        return cuda.draw_frames(g, cameras, background)
    drawn = [
        draw(moment, camera, background, "classic", False)[0]
        for moment, camera in zip(moments, cameras, strict=True)
    ]
    return torch.stack(drawn)


def _check(gaussians: Gaussians, camera: Camera) -> None:
    """The shapes that kernels without bounds checks rely on."""
    g, n = gaussians, len(gaussians.means)
    assert g.means.shape == g.scales.shape == (n, 3), (g.means.shape, g.scales.shape)
    assert g.quats.shape == (n, 4), g.quats.shape
    assert g.opacities.shape == (n,), g.opacities.shape
    assert len(g.sh) == n and g.sh.shape[1:] in ((1, 3), (4, 3), (9, 3), (16, 3)), g.sh.shape
    assert camera.viewmat.shape == (4, 4) and camera.K.shape == (3, 3)
    assert camera.width > 0 and camera.height > 0, (camera.width, camera.height)
