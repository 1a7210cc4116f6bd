"""The first Gaussians: one on each triangle, in the colour that the pictures show there."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from avatar.capture import Capture, Picture, View
from avatar.mesh import Mesh
from avatar.mesh.pinhole import project, towards
from avatar.reconstruct.bound_gaussians import BoundGaussians, bound_gaussians
from avatar.rig.triangle_frames import triangle_frames
from splat import RawGaussians, rgb_to_sh

SIZE = 0.5  # standard deviation along the triangle, in units of its size
THICKNESS = 0.1  # across it
OPACITY = 0.5
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


def face_colours(capture: Capture, seen: Iterable[tuple[View, Picture]]) -> Tensor:  # [M, 3]
    """Mean colour of each triangle over views that it faces; that of the nearest such triangle at
    rest where none does, and grey where there are none.

    Nothing is known of what covers what: covered triangles get the colour of their cover, which
    nobody sees either.
    """
    sums = torch.zeros(len(capture.faces), 3)
    weights = torch.full((len(capture.faces), 1), 1e-6)
    for view, picture in seen:
        color, weight = _sample(Mesh(capture.vertices[view.timestep], capture.faces), view, picture)
        sums += color * weight
        weights += weight
    known = weights[:, 0] > 1e-3
    if not known.any():
        return torch.full_like(sums, 0.5)
    centres = capture.rest[capture.faces].mean(1)
    nearest = [torch.cdist(part, centres[known]).argmin(1) for part in centres.split(1024)]
    return (sums / weights)[known][torch.cat(nearest)]


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
    weight = torch.where((facing > FACING) & (alpha > 0.99), facing, 0.0)
    return values[:, :3] / alpha.clamp(min=0.01), weight
