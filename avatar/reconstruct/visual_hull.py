"""Initial Gaussians where the subject is visible beside its mesh: hair, shoulders, clothes.

The masks of one timestep give a visual hull in a block of voxels (Laurentini 1994); the ray of a
pixel of the subject beside the mesh starts a Gaussian at its first intersection with the hull.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import camera_centre, project
from avatar.reconstruct.bound_gaussians import PARTS, BoundGaussians, bound_gaussians, raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.rigging.binding import bind, to_world, triangle_frames
from splat import Camera, Gaussians, activate, render, rgb_to_sh

VOXELS = 96  # along each edge of the block
MARGIN = 0.5  # of the mesh's size, added to it on every side
SEEN_BY = 0.5  # share of the cameras that have to see a voxel; two at least
STRIDE = 2  # pixels between two lines of sight
SOLID = 0.5  # of the mask
RAYS = 4096  # lines of sight that are walked along at a time


@dataclass(frozen=True)
class Block:
    """A cube of voxels."""

    low: Tensor  # [3] corner, metres
    edge: float  # of a voxel, metres
    full: Tensor  # [VOXELS, VOXELS, VOXELS] bool


def visual_hull(vertices: Tensor, seen: Sequence[tuple[View, Picture]]) -> Block:
    """The visual hull around a mesh [V, 3], from views of one timestep."""
    low, high = vertices.amin(0), vertices.amax(0)
    size = float((high - low).max()) * (1 + 2 * MARGIN)
    low, edge = (low + high - size) / 2, size / VOXELS
    ticks = (torch.arange(VOXELS) + 0.5) * edge
    points = torch.cartesian_prod(ticks, ticks, ticks) + low
    count = torch.zeros(len(points), dtype=torch.int32)
    full = torch.ones(len(points), dtype=torch.bool)
    for view, picture in seen:
        inside, value = look_up(torch.from_numpy(picture.mask), project(view.camera, points)[0])
        count += inside
        full &= ~inside | (value > 255 * SOLID)
    full &= count >= max(2, SEEN_BY * len(seen))
    return Block(low, edge, full.view(VOXELS, VOXELS, VOXELS))


def look_up(image: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixels [P, 2] lie in an image [H, W], and its values there (elsewhere any)."""
    height, width = image.shape
    columns, rows = pixels.floor().long().unbind(-1)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return inside, image[rows.clamp(0, height - 1), columns.clamp(0, width - 1)]


def uncovered_points(
    block: Block, view: View, picture: Picture, covered: Tensor
) -> tuple[Tensor, Tensor]:
    """Points [P, 3] and their colours [P, 3] in [0, 1] that one view sees beside the mesh.

    covered [H, W]: how opaque the mesh is there.
    """
    mask = torch.from_numpy(picture.mask)
    beside = (mask > 255 * SOLID) & (covered < 1 - SOLID)
    rows, columns = beside[::STRIDE, ::STRIDE].nonzero().mul(STRIDE).unbind(-1)
    eye, rays = sight_lines(view.camera, rows, columns)
    points, hit = first_hits(block, eye, rays)
    colours = torch.from_numpy(picture.color)[rows, columns].float() / mask[rows, columns, None]
    return points[hit], colours[hit]


def sight_lines(camera: Camera, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """The camera's position [3] and unit directions [P, 3] through pixel centres."""
    pixels = torch.stack([columns + 0.5, rows + 0.5, torch.ones(len(rows))], -1)
    rays = pixels @ torch.linalg.inv(camera.K).T @ camera.viewmat[:3, :3]
    return camera_centre(camera), torch.nn.functional.normalize(rays, dim=-1)


def first_hits(block: Block, eye: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Where rays [P, 3] first meet the hull [P, 3], and whether they do [P]."""
    size = block.edge * VOXELS
    reach = float((block.low + size / 2 - eye).norm())
    steps = torch.arange(max(0.0, reach - size), reach + size, block.edge)
    distance, hit = torch.zeros(len(rays)), torch.zeros(len(rays), dtype=torch.bool)
    for some in torch.arange(len(rays)).split(RAYS):
        voxels, inside = _voxels(block, eye + rays[some, None] * steps[:, None])  # [p, S]
        full = block.full[voxels] & inside
        distance[some], hit[some] = steps[full.float().argmax(1)], full.any(1)
    return eye + rays * distance[:, None], hit


def _voxels(block: Block, points: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Rows of the voxels that hold points [.., 3], and which points lie in the block."""
    voxels = ((points - block.low) / block.edge).floor().long()
    inside = ((voxels >= 0) & (voxels < VOXELS)).all(-1)
    x, y, z = voxels.clamp(0, VOXELS - 1).unbind(-1)
    return (x, y, z), inside


OPACITY = 0.5
NEAR = 0.1
"""Share of the head's radius: as near to the mesh as this, its own Gaussians get there in time,
and do not start on the hull, which is a little larger than the subject everywhere."""
SIZE = 0.7  # standard deviation, in units of the spacing


def calmest_timestep(capture: Capture, views: Sequence[View]) -> int:
    """The timestep among views whose mesh is nearest to the rest mesh."""
    timesteps = sorted({view.timestep for view in views})
    distances = (capture.vertices[timesteps] - capture.rest).square().sum(-1).mean(-1)
    return timesteps[int(distances.argmin())]


def seeded(
    mesh: Mesh, bound: BoundGaussians, seen: Sequence[tuple[View, Picture]], most: int
) -> BoundGaussians:
    """The Gaussians with `most` more at most, from views of one timestep with this mesh."""
    if most < 1:
        return bound
    vertices, radius = mesh.vertices, head_radius(mesh.vertices)
    block = visual_hull(vertices, seen)
    solid = opaque(bound, vertices, mesh.faces)
    found = [uncovered_points(block, v, p, render(solid, v.camera).alpha) for v, p in seen]
    points, colours = (torch.cat(parts) for parts in zip(*found, strict=True))
    kept = first_per_cell(points, block.low, block.edge)
    kept = kept[distances(points[kept], vertices) > NEAR * radius]
    if not len(kept):
        return bound
    thin, spacing = thinned(points[kept], block.low, block.edge, most)
    return with_points(bound, points[kept][thin], colours[kept][thin], SIZE * spacing, mesh)


def with_points(
    bound: BoundGaussians, points: Tensor, colours: Tensor, size: float, mesh: Mesh
) -> BoundGaussians:
    """The Gaussians and round ones of a size in metres at points [P, 3] around a mesh, of colours
    [P, 3] in [0, 1]."""
    count, binding = len(points), nearest_triangles(points, mesh.vertices, mesh.faces)
    world = Gaussians(
        means=points,
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        scales=torch.full((count, 3), size),
        opacities=torch.full((count,), OPACITY),
        sh=rgb_to_sh(colours)[:, None],
    )
    local = bind(world, binding, mesh.vertices, mesh.faces)
    more = bound_gaussians(local, binding, bound.degree)
    parts = {name: torch.cat([bound.parts[name], more.parts[name]]) for name in PARTS}
    return BoundGaussians(parts, torch.cat([bound.binding, binding]))


def head_radius(vertices: Tensor) -> float:
    """Half the diagonal of the box around a mesh [V, 3], metres."""
    return float((vertices.amax(0) - vertices.amin(0)).norm()) / 2


def distances(points: Tensor, others: Tensor) -> Tensor:
    """From points [P, 3] to the nearest of others [Q, 3]: [P]."""
    return torch.from_numpy(KDTree(others.numpy()).query(points.numpy())[0]).float()


def opaque(bound: BoundGaussians, vertices: Tensor, faces: Tensor) -> Gaussians:
    """The Gaussians on a mesh, without a hole."""
    world = to_world(activate(raw_of(bound, 0)), bound.binding, triangle_frames(vertices, faces))
    return replace(world, opacities=torch.full_like(world.opacities, 0.99))


def first_per_cell(points: Tensor, low: Tensor, spacing: float) -> Tensor:
    """Indices of the first of points [P, 3] in each cell of a grid that starts at low [3]."""
    voxels = ((points - low) / spacing).floor().long()
    _, rows, columns = voxels.amax(0).add(1).tolist() if len(voxels) else (1, 1, 1)
    keys = (voxels[:, 0] * rows + voxels[:, 1]) * columns + voxels[:, 2]
    unique, owner = keys.unique(return_inverse=True)
    order = torch.arange(len(points))
    return torch.full((len(unique),), len(points)).scatter_reduce(0, owner, order, "amin")


def thinned(points: Tensor, low: Tensor, spacing: float, most: int) -> tuple[Tensor, float]:
    """Indices of at most `most` ≥ 1 of points [P, 3] ≥ low: one per cell of a grid from low [3].

    The grid is as wide as it has to be, but not finer than `spacing`; its width comes second.
    """
    while len(first := first_per_cell(points, low, spacing)) > most:
        spacing *= 1.1
    return first, spacing


def nearest_triangles(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:  # [P]
    """The triangle whose centre is nearest to each of points [P, 3]."""
    centres = triangle_frames(vertices, faces).origins_world
    return torch.from_numpy(KDTree(centres.numpy()).query(points.numpy())[1])
