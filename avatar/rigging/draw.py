"""An avatar, a moved mesh and a camera become a picture."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from avatar.geometry.records import mapped
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import to_world, triangle_frames
from avatar.rigging.blendshapes import expressed
from avatar.rigging.compiled import fast_rig
from common.pixels import as_bytes
from splat import Backend, Camera, Gaussians, activate, render, render_bytes, render_frames

LEAST_ALPHA = 0.5 / 255


def avatar_rig(avatar: Avatar, device: torch.device) -> Callable[[Tensor], Gaussians]:
    """A function vertices [V, 3] → the avatar's Gaussians in the space of the vertices, on
    `device`; no gradients."""
    if device.type == "cpu":
        local_of = expressed(activate(avatar.gaussians), avatar.blendshapes, avatar.vertices)
        return fast_rig(local_of, avatar.binding, avatar.faces)
    return batch_rig(avatar, device)


def batch_rig(avatar: Avatar, device: torch.device) -> Callable[[Tensor], Gaussians]:
    """The same in PyTorch, for many meshes [..., V, 3] at once: means, quats and scales are of each
    mesh, opacities of all, SH coefficients of all or, with blendshapes, of each."""
    there = partial(mapped, change=lambda each: each if each is None else each.to(device))
    local, shapes = there(activate(avatar.gaussians)), there(avatar.blendshapes)
    local_of = expressed(local, shapes, avatar.vertices.to(device))
    binding, faces = avatar.binding.to(device), avatar.faces.to(device)

    def world(vertices: Tensor) -> Gaussians:
        here = vertices.to(device)
        return to_world(local_of(here), binding, triangle_frames(here, faces))

    return world


class Raster(Protocol):
    """Draws Gaussians on the CPU or elsewhere."""

    def __call__(
        self, gaussians: Gaussians, camera: Camera, behind: Tensor | None = None, /
    ) -> Tensor:
        """The picture [H, W, 3] on the CPU in [0, 1], over another one [H, W, 3] if there is; or
        [H, W, 4] with straight alpha, over nothing."""
        ...


def rasterizer(backend: Backend, background: Tensor | None) -> Raster:
    """What draws; background [3] is behind everything where no picture is, None is nothing."""

    def draw(gaussians: Gaussians, camera: Camera, behind: Tensor | None = None, /) -> Tensor:
        under = background if behind is None else behind
        there = _flat(under).to(gaussians.means)
        drawn = render(gaussians, camera, background=there, backend=backend, with_depth=False)
        return _composite(drawn.color, drawn.alpha, under).clamp_(0, 1).cpu()

    return draw


def byte_rasterizer(backend: Backend, background: Tensor | None) -> Raster:
    """The same in 0..255: pictures uint8, clipped and rounded."""
    drawn = rasterizer(backend, background)

    def draw(gaussians: Gaussians, camera: Camera, behind: Tensor | None = None, /) -> Tensor:
        if backend == "cpu" and background is not None and behind is None:
            return render_bytes(gaussians, camera, background)
        return torch.from_numpy(as_bytes(drawn(gaussians, camera, behind).numpy()))

    return draw


def draw_frames(
    gaussians: Gaussians,
    cameras: Sequence[Camera],
    backend: Backend,
    under: Tensor | None,
) -> Tensor:
    """Pictures [F, H, W, 3] over a colour [3] or pictures [F, H, W, 3], or [F, H, W, 4] over
    nothing; see `render_frames`."""
    there = _flat(under).to(gaussians.means)
    return _composite(*render_frames(gaussians, cameras, there, backend), under)


def _flat(under: Tensor | None) -> Tensor:
    """The colour [3] that is drawn over at once; black where something follows."""
    return torch.zeros(3) if under is None or under.ndim > 1 else under


def _composite(colour: Tensor, alpha: Tensor, under: Tensor | None) -> Tensor:
    """Colours [..., H, W, 3] drawn over `_flat`, and alpha [..., H, W], over what lies under."""
    if under is None:
        return torch.cat([straight(colour, alpha), alpha[..., None]], -1)
    return colour if under.ndim == 1 else colour + (1 - alpha)[..., None] * under.to(colour)


def straight(colour: Tensor, alpha: Tensor) -> Tensor:
    """Colours [..., H, W, 3] over black, divided by alpha [..., H, W].

    Where nothing is they are those of the surroundings, since what scales or compresses pictures
    mixes neighbours, and would make a dark fringe of black ones.
    """
    drawn = torch.cat([colour, alpha[..., None]], -1).movedim(-1, -3).contiguous()
    planes = drawn.reshape(-1, *drawn.shape[-3:])  # [F, 4, H, W]
    around = interpolate(_spread(avg_pool2d(planes, 2, ceil_mode=True)), alpha.shape[-2:])
    seen, share = planes[:, 3:] > LEAST_ALPHA, planes[:, 3:].clamp(min=LEAST_ALPHA)
    shown = torch.where(seen, planes[:, :3] / share, around).clamp_(0, 1)
    return shown.permute(0, 2, 3, 1).reshape(colour.shape)


def _spread(planes: Tensor) -> Tensor:  # [F, 4, H, W], colours times alpha -> [F, 3, H, W]
    """Colours that fill the transparent parts with means of ever larger surroundings."""
    if planes.shape[-2:] == (1, 1):
        return planes[:, :3] / planes[:, 3:].clamp(min=LEAST_ALPHA)
    coarse = _spread(avg_pool2d(planes, 2, ceil_mode=True))
    below = interpolate(coarse, planes.shape[-2:], mode="bilinear")
    return planes[:, :3] + (1 - planes[:, 3:]) * below
