"""The initial Gaussians: one on each triangle, in the colour of the pictures.

Skin that is never visible takes the colours of the other side of the head, in the light of its own
side; teeth, tongue and lining of the mouth those of anny-head; all else those of the nearest
visible triangle.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import project, project_samples, rasterize, towards
from avatar.heads import Head
from avatar.lighting.symmetry import Observed, mirrored
from avatar.reconstruct.bound_gaussians import BoundGaussians, bound_gaussians
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.visual_hull import look_up, nearest_triangles
from avatar.retarget.scan_inner_mouth import (
    LINING,
    LINING_LIGHT,
    PARTS,
    lining_triangles,
    painted_parts,
)
from avatar.rigging.binding import triangle_frames
from avatar.rigging.compiled import skinned
from splat import Camera, Gaussians, RawGaussians, activate, render, rgb_to_sh, sh_to_rgb

NOT_SKIN = ("eyes", "teeth", "tongue", "inner_mouth")  # regions
SURE = 4.0  # pictures, about, above which a colour is certain
SEEN = 1e-3  # of a picture
UNKNOWN = 0.5  # grey


def completed(mesh: Mesh, sums: Tensor, weights: Tensor, head: Head | None) -> Tensor:
    """A colour [M, 3] for each triangle of a mesh at rest.

    sums [M, 3], weights [M]: weighted sums of the observed colours;
    head: the parts of the mesh, where they are known.
    """
    colours, known = sums / weights.clamp(min=SEEN)[:, None], weights > SEEN
    if head is not None:
        colours, known = _from_other_side(mesh, colours, weights, head)
    if not known.any():
        return torch.full_like(sums, UNKNOWN)
    middles = mesh.vertices[mesh.faces].mean(1)
    nearest = nearest_triangles(middles, mesh.vertices, mesh.faces[known])
    return torch.where(known[:, None], colours, colours[known][nearest])


def _from_other_side(
    mesh: Mesh, colours: Tensor, weights: Tensor, head: Head
) -> tuple[Tensor, Tensor]:
    """Colours [M, 3] and which are known [M], skin's also by its other side."""
    other = mirror_triangles(mesh, head)
    normals = triangle_frames(mesh.vertices, mesh.faces).R_world_tri[..., 1].double().numpy()
    sure = torch.where(weights > SEEN, (weights / SURE).clamp(max=1), 0.0)
    own, there = (
        Observed(colours[rows].double().numpy(), sure[rows].double().numpy())
        for rows in (slice(None), other)
    )
    both = mirrored(own, there, normals, normals[other.numpy()])
    return torch.from_numpy(both.values).float(), torch.from_numpy(both.weight) > 0


def mirror_triangles(mesh: Mesh, head: Head) -> Tensor:
    """For each triangle [M] of the skin the mirrored one; for others themselves."""
    kept = torch.ones(len(mesh.vertices), dtype=torch.bool)
    for name in NOT_SKIN:
        kept[head.regions[name]] = False
    skin = kept[mesh.faces].all(1).nonzero()[:, 0]
    middles = mesh.vertices[mesh.faces[skin]].mean(1) * torch.tensor([-1.0, 1.0, 1.0])
    other = torch.arange(len(mesh.faces))
    other[skin] = skin[nearest_triangles(middles, mesh.vertices, mesh.faces[skin])]
    return other


PAINTED = "anny-head"  # the topology whose triangles hold our own teeth


def own_mouth(head: Head) -> tuple[Tensor, Tensor]:
    """Triangles [m] inside the mouth and their colours [m, 3]; none of a head without teeth."""
    if head.topology != PAINTED:
        return torch.empty(0, dtype=torch.int64), torch.empty(0, 3)
    parts, lining = head.group_faces(*PARTS), torch.from_numpy(lining_triangles(head))
    dark = torch.from_numpy(LINING * LINING_LIGHT ** (1 / 2.2)).float()
    return torch.cat([parts, lining]), torch.cat(
        [_painted(head, parts), dark.repeat(len(lining), 1)]
    )


def _painted(head: Head, triangles: Tensor) -> Tensor:
    """Mean colours [m, 3] of what is painted on triangles, or on the nearest that has any."""
    cover = painted_parts()
    colours = sh_to_rgb(cover.gaussians.sh[:, 0]).clamp(min=0)
    share = torch.sigmoid(cover.gaussians.opacity_logits)[:, None]
    sums = torch.zeros(len(head.faces), 4)
    sums.index_add_(0, cover.binding, torch.cat([colours * share, share], 1))
    there = triangles[sums[triangles, 3] > 0]
    middles = head.vertices[head.faces[triangles]].mean(1)
    found = there[nearest_triangles(middles, head.vertices, head.faces[there])]
    return sums[found, :3] / sums[found, 3:]


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


VISIBLE = 0.2  # of its blending weight alone: that of a Gaussian among those that overlap it


def visibilities(
    raw: RawGaussians, binding: Tensor, capture: Capture, views: Sequence[View]
) -> Tensor:
    """How far [N] in [0, 1] the best of some views shows each Gaussian.

    0 is hidden, 1 is in front and seen at right angles; the square of the share of its weight.
    """
    local, faces = activate(raw), capture.faces.to(binding)
    shares = torch.zeros_like(local.opacities)
    for view in views:
        vertices = capture.vertices[view.timestep].to(binding.device)
        world = skinned(local, binding, vertices, faces)
        alone = _weights_alone(world, view.camera).clamp(min=SEEN)
        shares = torch.maximum(shares, blending_weights(world, view.camera) / alone)
    return (shares / VISIBLE).clamp(max=1).square()


def blending_weights(world: Gaussians, camera: Camera) -> Tensor:
    """Opacity times transmittance of each Gaussian [N], summed over the pixels of a picture: the
    derivative of its brightness by their colours (Kerbl et al. 2023, equation 3)."""
    rgb = torch.full_like(world.means, UNKNOWN).requires_grad_()
    drawn = render(replace(world, sh=rgb_to_sh(rgb)[:, None]), camera, with_depth=False).color
    (by_rgb,) = torch.autograd.grad(drawn[..., 0].sum(), rgb)
    return by_rgb[:, 0]


def _weights_alone(world: Gaussians, camera: Camera) -> Tensor:
    """The same [N] of each, if nothing were before it and its broadest side were turned to us."""
    viewmat = camera.viewmat.to(world.means)
    depths = (world.means @ viewmat[2, :3] + viewmat[2, 3]).clamp(min=SEEN)
    broad = world.scales.sort(dim=1).values[:, 1:].prod(1)
    return 2 * math.pi * broad * world.opacities * (camera.K[0, 0].to(depths) / depths) ** 2
