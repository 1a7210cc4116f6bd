"""An avatar, a moved mesh and a camera become a picture."""

from collections.abc import Callable
from dataclasses import fields
from typing import Protocol

import torch
from torch import Tensor

from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import to_world, triangle_frames
from avatar.rigging.compiled import fast_rig
from splat import Backend, Camera, Gaussians, activate, render


def avatar_rig(avatar: Avatar, device: torch.device) -> Callable[[Tensor], Gaussians]:
    """A function vertices [V, 3] → the avatar's Gaussians in the space of the vertices, on
    `device`; no gradients."""
    if device.type == "cpu":
        return fast_rig(activate(avatar.gaussians), avatar.binding, avatar.faces)
    return batch_rig(avatar, device)


def batch_rig(avatar: Avatar, device: torch.device) -> Callable[[Tensor], Gaussians]:
    """The same in PyTorch, for many meshes [..., V, 3] at once: means, quats and scales are of each
    mesh, opacities and SH coefficients of all."""
    local = activate(avatar.gaussians)
    local = Gaussians(*(getattr(local, f.name).to(device) for f in fields(local)))
    binding, faces = avatar.binding.to(device), avatar.faces.to(device)
    return lambda vertices: to_world(local, binding, triangle_frames(vertices.to(device), faces))


class Raster(Protocol):
    """Draws Gaussians on the CPU or elsewhere."""

    def __call__(
        self, gaussians: Gaussians, camera: Camera, behind: Tensor | None = None, /
    ) -> Tensor:
        """The picture [H, W, 3] on the CPU in [0, 1], over another one [H, W, 3] if there is."""
        ...


def rasterizer(backend: Backend, background: Tensor) -> Raster:
    """What draws; background [3] is behind everything where no picture is."""

    def draw(gaussians: Gaussians, camera: Camera, behind: Tensor | None = None, /) -> Tensor:
        empty = background if behind is None else torch.zeros(3)
        there = empty.to(gaussians.means)
        drawn = render(gaussians, camera, background=there, backend=backend, with_depth=False)
        colour = drawn.color
        if behind is not None:
            colour = colour + (1 - drawn.alpha)[..., None] * behind.to(colour)
        return colour.clamp_(0, 1).cpu()

    return draw
