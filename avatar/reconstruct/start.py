"""The first Gaussians: one on each triangle, in the colour that the pictures show there."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from avatar.capture import Capture, Picture, View
from avatar.heads import Head
from avatar.mesh import Mesh
from avatar.mesh.pinhole import project, towards
from avatar.mesh.zbuffer import project_samples, rasterize
from avatar.reconstruct.bound_gaussians import BoundGaussians, bound_gaussians
from avatar.reconstruct.completed import completed
from avatar.reconstruct.hull import look_up
from avatar.reconstruct.inner_mouth import own_mouth
from avatar.rig.triangle_frames import triangle_frames
from splat import Camera, RawGaussians, rgb_to_sh

SIZE = 0.5  # standard deviation along the triangle, in units of its size
THICKNESS = 0.1  # across it
OPACITY = 0.5
BEHIND = 0.003  # metres behind the first surface up to which a triangle is seen
OFTEN = 3.0  # pictures, about, that have to show the inside of the mouth
FACING = 0.2  # cosine between normal and line of sight from which a triangle is trusted to be seen


def first_gaussians(capture: Capture, colours: Tensor, degree: int) -> BoundGaussians:
    """One flat Gaussian on each triangle; colours [M, 3] in [0, 1]."""
    count = len(capture.faces)
    sizes = torch.tensor([SIZE, THICKNESS, SIZE])  # the triangle's normal is its second axis
    raw = RawGaussians(
        means=torch.zeros(count, 3),
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        log_scales=sizes.log().repeat(count, 1),
        opacity_logits=torch.full((count,), float(torch.logit(torch.tensor(OPACITY)))),
        sh=rgb_to_sh(colours)[:, None],
    )
    return bound_gaussians(raw, torch.arange(count), degree)


def face_colours(
    capture: Capture, seen: Iterable[tuple[View, Picture]], head: Head | None = None
) -> Tensor:  # [M, 3]
    """Mean colour of each triangle over views that see it; else as `completed` finds it.

    head: the parts of the mesh, where they are known. Inside the mouth colours are our own model's
    but where several pictures show it.
    """
    sums, weights = torch.zeros(len(capture.faces), 3), torch.zeros(len(capture.faces), 1)
    for view, picture in seen:
        color, weight = _sample(Mesh(capture.vertices[view.timestep], capture.faces), view, picture)
        sums += color * weight
        weights += weight
    colours = completed(Mesh(capture.rest, capture.faces), sums, weights[:, 0], head)
    if head is not None:
        inside, own = own_mouth(head)
        hidden = weights[inside, 0] < OFTEN
        colours[inside[hidden]] = own[hidden]
    return colours


def _sample(mesh: Mesh, view: View, picture: Picture) -> tuple[Tensor, Tensor]:
    """Colour [M, 3] under each triangle's centre and how much to trust it [M, 1]."""
    frames = triangle_frames(mesh.vertices, mesh.faces)
    centres, normals = frames.origins_world, frames.R_world_tri[..., 1]
    pixels, _ = project(view.camera, centres)
    facing = (normals * towards(view.camera, centres)).sum(-1, keepdim=True)
    planes = torch.cat(
        [torch.from_numpy(picture.color), torch.from_numpy(picture.mask)[..., None]], dim=-1
    )
    size = torch.tensor([view.camera.width, view.camera.height])
    grid = (2 * pixels / size - 1)[None, None]  # [1, 1, M, 2]
    image = planes.permute(2, 0, 1)[None].float() / 255
    values = functional.grid_sample(image, grid, align_corners=False)[0, :, 0].T  # [M, 4]
    alpha = values[:, 3:]
    trusted = (facing > FACING) & (alpha > 0.99) & _in_front(mesh, view.camera, centres)[:, None]
    weight = torch.where(trusted, facing, 0.0)
    return values[:, :3] / alpha.clamp(min=0.01), weight


def _in_front(mesh: Mesh, camera: Camera, points: Tensor) -> Tensor:
    """Which points [P, 3] of a mesh no other part of it hides, or lie outside the picture."""
    corners = project_samples(camera, mesh.vertices.double().numpy())
    seen = rasterize(corners, mesh.faces.numpy(), camera.height, camera.width)
    pixels, depths = project(camera, points)
    inside, nearness = look_up(torch.from_numpy(seen.nearness), pixels)
    return ~inside | (depths < 1 / nearness.clamp(min=1e-6) + BEHIND)
