"""`render`: Gaussians and a camera to an image, on CUDA with gsplat or on the CPU with ours."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple, assert_never

import torch
from torch import Tensor

from common.cache import locked
from common.device import Device, choose_device
from splat.cpu.frame import begin_compiling
from splat.cpu.render import draw, draw_bytes
from splat.scene.camera import Camera
from splat.scene.conventions import RasterizeMode
from splat.scene.gaussians import Gaussians

Backend = Literal["gsplat", "cpu"]


class Drawing(NamedTuple):
    """A device, the backend that draws there, and why it is these, in a few words."""

    device: torch.device
    backend: Backend
    reason: str


@cache
def choose_backend(name: Device = "auto") -> Drawing:
    """Where and by what is drawn for a device's name; resolved once per process.

    Raises InputError if "cuda" is asked for and gsplat cannot draw there.
    """
    device, reason = choose_device(name, why_not_gsplat)
    return Drawing(device, "gsplat" if device.type == "cuda" else "cpu", reason)


def pick_backend(name: Device) -> Drawing:
    """The same, said in a line on stderr; what drawing needs begins to compile."""
    drawing = choose_backend(name)
    if drawing.backend == "cpu":
        begin_compiling()
    print(f"rasterizer: {drawing.backend} ({drawing.reason})", file=sys.stderr)
    return drawing


def why_not_gsplat() -> str | None:
    """What keeps gsplat from drawing on a CUDA device that PyTorch can use, or None.

    Tries one tiny image, since gsplat installs and imports without CUDA's compiler.
    """
    try:
        with locked("gsplat"):  # its first start empties the folder that it compiles in
            from splat import cuda  # noqa: PLC0415  takes seconds

            cuda.draw_trial_image()
    except Exception as error:  # a missing or broken toolkit shows in many ways
        words = str(error).splitlines() or ["no message"]
        return f"gsplat does not work here ({type(error).__name__}: {words[0]})"
    return None


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


def render_bytes(gaussians: Gaussians, camera: Camera, background: Tensor) -> Tensor:
    """The picture of `render` on the CPU in 0..255, [H, W, 3] uint8; no gradients."""
    _check(gaussians, camera)
    return draw_bytes(gaussians, camera, background)


def render_frames(
    gaussians: Gaussians, cameras: Sequence[Camera], background: Tensor, backend: Backend
) -> tuple[Tensor, Tensor]:  # [F, H, W, 3], [F, H, W]
    """Colours of F frames over a background [3], and alphas, without gradients; on CUDA in one
    launch.

    gaussians: means, quats and scales of each frame, [F, N, ..]; opacities [N] of all; SH of all,
    [N, K, 3], or of each. cameras: one for each frame, all of one size.
    """
    g = gaussians
    g = replace(g, sh=g.sh.expand(len(cameras), *g.sh.shape[-3:]))
    frames = [
        Gaussians(means, quats, scales, g.opacities, sh)
        for means, quats, scales, sh in zip(g.means, g.quats, g.scales, g.sh, strict=True)
    ]
    for frame, camera in zip(frames, cameras, strict=True):
        _check(frame, camera)
    if backend == "gsplat":
        from splat import cuda  # noqa: PLC0415  gsplat takes seconds to import

        return cuda.draw_frames(g, cameras, background)
    drawn = [
        draw(frame, camera, background, "classic", False)[:2]
        for frame, camera in zip(frames, cameras, strict=True)
    ]
    colours, alphas = zip(*drawn, strict=True)
    return torch.stack(colours), torch.stack(alphas)


def _check(gaussians: Gaussians, camera: Camera) -> None:
    """The shapes that kernels without bounds checks rely on."""
    g, n = gaussians, len(gaussians.means)
    assert g.means.shape == g.scales.shape == (n, 3), (g.means.shape, g.scales.shape)
    assert g.quats.shape == (n, 4), g.quats.shape
    assert g.opacities.shape == (n,), g.opacities.shape
    assert len(g.sh) == n and g.sh.shape[1:] in ((1, 3), (4, 3), (9, 3), (16, 3)), g.sh.shape
    assert camera.viewmat.shape == (4, 4) and camera.K.shape == (3, 3)
    assert camera.width > 0 and camera.height > 0, (camera.width, camera.height)
