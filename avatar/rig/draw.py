"""An avatar, a moved mesh and a camera become a picture."""

from collections.abc import Callable
from dataclasses import fields

import torch
from torch import Tensor

from avatar.rig.avatar import Avatar
from avatar.rig.binding import to_world
from avatar.rig.fast import fast_rig
from avatar.rig.triangle_frames import triangle_frames
from splat import Backend, Camera, Gaussians, activate, render


def avatar_rig(avatar: Avatar, device: torch.device) -> Callable[[Tensor], Gaussians]:
    """A function vertices [V, 3] → the avatar's Gaussians in the space of the vertices, on
    `device`; no gradients."""
    local = activate(avatar.gaussians)
    if device.type == "cpu":
        return fast_rig(local, avatar.binding, avatar.faces)
    local = Gaussians(*(getattr(local, f.name).to(device) for f in fields(local)))
    binding, faces = avatar.binding.to(device), avatar.faces.to(device)
    return lambda vertices: to_world(local, binding, triangle_frames(vertices.to(device), faces))


def rasterizer(backend: Backend, background: Tensor) -> Callable[[Gaussians, Camera], Tensor]:
    """A function (Gaussians, camera) → picture [H, W, 3] on the CPU in [0, 1]; background [3]."""

    def draw(gaussians: Gaussians, camera: Camera) -> Tensor:
        background_there = background.to(gaussians.means)
        drawn = render(
            gaussians, camera, background=background_there, backend=backend, with_depth=False
        )
        return drawn.color.clamp_(0, 1).cpu()

    return draw
