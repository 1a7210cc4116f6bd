"""A loss that keeps the head opaque from views that no camera has.

An avatar of a frontal film would have holes where it is never visible. So the head is also drawn
turned further than in the film, and with its lids shut; transparency over its mesh is a loss, as is
visibility of the eyes behind the lids.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import NOTHING, project, project_samples, rasterize
from avatar.heads import Head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.visual_hull import look_up
from splat import Camera, Gaussians, render, rgb_to_sh

SOLID = 0.5  # of a mask
OUTSIDE = 0.1  # of the pictures may see a triangle beside the subject and it is still part of it
YAW, PITCH = 70.0, 25.0  # degrees by which a view is turned at most
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
LID, MARGIN = 0.002, 1.2  # metres that lids move; of their size, what a look at them shows
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


@dataclass(frozen=True)
class Skin:
    """What lets no light through, and what else lies behind it."""

    solid: Tensor  # [M] bool: triangles of the skin
    eyes: Tensor  # [M] bool: those of the eyeballs
    shut: Tensor  # [V, 3] what shuts the lids of the mesh at rest
    lids: Tensor  # [v] vertices of the lids; none where they are not known


def skin_of(capture: Capture, head: Head | None, seen: Sequence[tuple[View, Picture]]) -> Skin:
    """The skin as `solid_triangles` finds it; head: the parts of the mesh, where they are known."""
    solid, eyes = solid_triangles(capture, seen), torch.zeros(len(capture.faces), dtype=torch.bool)
    if head is None or not {*BLINKS} <= {*head.unit_names}:
        return Skin(solid, eyes, torch.zeros_like(capture.rest), torch.empty(0, dtype=torch.int64))
    eyeballs = torch.zeros(len(capture.rest), dtype=torch.bool)
    eyeballs[head.regions["eyes"]] = True
    eyes = eyeballs[capture.faces].all(1)
    shut = torch.stack([head.unit(name) for name in BLINKS]).sum(0)
    return Skin(solid & ~eyes, eyes, shut, (shut.norm(dim=1) > LID).nonzero()[:, 0])


def closeup(camera: Camera, points: Tensor) -> Camera:
    """A small camera that stands where another does and is filled by points [P, 3]."""
    pixels = project(camera, points)[0]
    low, high = pixels.amin(0), pixels.amax(0)
    scale = SIZE / (float((high - low).max()) * MARGIN)
    K = camera.K.clone()
    K[:2] *= scale
    K[:2, 2] += SIZE / 2 - scale * (low + high) / 2
    return replace(camera, K=K, width=SIZE, height=SIZE)


def turned(camera: Camera, middle: Tensor, generator: torch.Generator, most: float = 1.0) -> Camera:
    """A small camera that goes around a point [3] by angles drawn at random, up to `most` of YAW
    and PITCH."""
    yaw, pitch = (2 * torch.rand(2, generator=generator) - 1).mul(most * math.pi / 180).tolist()
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
    world: Gaussians, behind: Tensor, camera: Camera, mesh: Mesh, solid: Tensor
) -> Tensor:
    """The mean share of light that comes through where the camera sees solid triangles [M] of a
    mesh: from behind the head, or from Gaussians [N] bool that lie `behind` its skin."""
    covered = solid_pixels(camera, mesh.vertices.cpu(), mesh.faces.cpu(), solid.cpu())
    bright = rgb_to_sh(behind.float()[:, None, None].expand(-1, 1, 3))
    white = torch.ones(3, device=solid.device)
    drawn = render(replace(world, sh=bright), camera, background=white, with_depth=False).color
    covered = covered.to(solid.device)
    return (drawn[..., 0] * covered).sum() / covered.sum().clamp(min=1)


def solid_pixels(camera: Camera, vertices: Tensor, faces: Tensor, solid: Tensor) -> Tensor:
    """Pixels [H, W] bool that show solid triangles, without a rim."""
    corners = project_samples(camera, vertices.double().numpy())
    fragments = rasterize(corners, faces.numpy(), camera.height, camera.width)
    seen = torch.from_numpy(fragments.faces).long()
    shown = (seen != NOTHING) & solid[seen.clamp(min=0)]
    beside = functional.max_pool2d((~shown).float()[None], 2 * RIM + 1, stride=1, padding=RIM)
    return beside[0] == 0
