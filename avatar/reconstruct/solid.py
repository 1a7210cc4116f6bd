"""A head lets no light through, from where no camera was either.

What no picture shows, nothing keeps opaque: an avatar of a frontal film has holes when it turns.
So the head is also drawn as it looks turned further than it was, and light that comes through its
mesh is a loss.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from avatar.capture import Capture, Picture, View
from avatar.mesh.pinhole import project
from avatar.mesh.rotations import axis_angle_to_matrix
from avatar.mesh.zbuffer import NOTHING, project_samples, rasterize
from avatar.reconstruct.hull import look_up
from splat import Camera, Gaussians, render

SOLID = 0.5  # of a mask
OUTSIDE = 0.1  # of the pictures may see a triangle beside the subject and it is still part of it
YAW, PITCH = 70.0, 25.0  # degrees by which a view is turned at most
SIZE = 160  # pixels of such a view at most
RIM = 2  # pixels at the outline of the mesh that may be clear


def solid_triangles(capture: Capture, seen: Sequence[tuple[View, Picture]]) -> Tensor:
    """Which triangles [M] of the mesh lie within the subject as the pictures outline it: a mesh's
    ears may stand off where there are none."""
    beside = torch.zeros(len(capture.faces))
    within = torch.zeros(len(capture.faces))
    for view, picture in seen:
        middles = capture.vertices[view.timestep][capture.faces].mean(1)
        inside, value = look_up(torch.from_numpy(picture.mask), project(view.camera, middles)[0])
        beside += inside & (value <= 255 * SOLID)
        within += inside
    return beside <= OUTSIDE * within


def turned(camera: Camera, middle: Tensor, generator: torch.Generator) -> Camera:
    """A small camera that goes around a point [3] by angles drawn at random."""
    yaw, pitch = (2 * torch.rand(2, generator=generator) - 1).mul(math.pi / 180).tolist()
    turn = axis_angle_to_matrix(torch.tensor([0.0, YAW * yaw, 0.0]))
    turn = axis_angle_to_matrix(torch.tensor([PITCH * pitch, 0.0, 0.0])) @ turn
    viewmat = camera.viewmat.clone()
    seen = viewmat[:3, :3] @ middle + viewmat[:3, 3]
    viewmat[:3, :3] = turn @ viewmat[:3, :3]
    viewmat[:3, 3] = seen - viewmat[:3, :3] @ middle
    scale = min(1.0, SIZE / max(camera.width, camera.height))
    width, height = round(camera.width * scale), round(camera.height * scale)
    K = camera.K.clone()
    K[:2] *= scale
    return replace(camera, viewmat=viewmat, K=K, width=width, height=height)


def light_through(
    world: Gaussians, camera: Camera, vertices: Tensor, faces: Tensor, solid: Tensor
) -> Tensor:
    """The mean share of light that Gaussians let through where the camera sees solid triangles [M]
    of a mesh [V, 3]."""
    covered = solid_pixels(camera, vertices.cpu(), faces.cpu(), solid.cpu()).to(solid.device)
    clear = 1 - render(world, camera, with_depth=False).alpha
    return (clear * covered).sum() / covered.sum().clamp(min=1)


def solid_pixels(camera: Camera, vertices: Tensor, faces: Tensor, solid: Tensor) -> Tensor:
    """Pixels [H, W] bool that show solid triangles, without a rim."""
    corners = project_samples(camera, vertices.double().numpy())
    fragments = rasterize(corners, faces.numpy(), camera.height, camera.width)
    seen = torch.from_numpy(fragments.faces).long()
    shown = (seen != NOTHING) & solid[seen.clamp(min=0)]
    beside = functional.max_pool2d((~shown).float()[None], 2 * RIM + 1, stride=1, padding=RIM)
    return beside[0] == 0
