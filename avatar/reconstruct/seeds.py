"""More first Gaussians, where the subject is but its mesh is not; see `avatar.reconstruct.hull`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.capture import Capture, Picture, View
from avatar.mesh import Mesh
from avatar.reconstruct.bound_gaussians import PARTS, BoundGaussians, bound_gaussians, raw_of
from avatar.reconstruct.hull import carve, uncovered_points
from avatar.rig.binding import bind, to_world
from avatar.rig.triangle_frames import triangle_frames
from splat import Gaussians, activate, render, rgb_to_sh

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
    mesh: Mesh,
    bound: BoundGaussians,
    seen: Sequence[tuple[View, Picture]],
    most: int,
    reach: float = math.inf,
) -> BoundGaussians:
    """The Gaussians with `most` more at most, from views of one moment, which has this mesh.

    reach: in radii of the head, how far from the mesh anything may start.
    """
    if most < 1:
        return bound
    vertices, radius = mesh.vertices, head_radius(mesh.vertices)
    block = carve(vertices, seen, reach * radius)
    solid = opaque(bound, vertices, mesh.faces)
    found = [uncovered_points(block, v, p, render(solid, v.camera).alpha) for v, p in seen]
    points, colours = (torch.cat(parts) for parts in zip(*found, strict=True))
    kept = first_per_cell(points, block.low, block.edge)
    kept = kept[distances(points[kept], vertices) > NEAR * radius]
    if not len(kept):
        return bound
    thin, spacing = thinned(points[kept], block.low, block.edge, most)
    points, colours = points[kept][thin], colours[kept][thin]
    sizes = torch.full((len(points),), SIZE * spacing)
    return with_points(
        bound, (points, colours, sizes), mesh, nearest_triangles(points, vertices, mesh.faces)
    )


def with_points(
    bound: BoundGaussians, points: tuple[Tensor, Tensor, Tensor], mesh: Mesh, binding: Tensor
) -> BoundGaussians:
    """The Gaussians and round ones at points of the world, bound to triangles [P] of a mesh.

    points: places [P, 3], colours [P, 3] in [0, 1] and standard deviations [P] in metres.
    """
    places, colours, sizes = points
    count = len(places)
    world = Gaussians(
        means=places,
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        scales=sizes[:, None].repeat(1, 3),
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
    nearest = [torch.cdist(part, others).amin(1) for part in points.split(1024)]
    return torch.cat(nearest) if nearest else torch.zeros(0)


def opaque(bound: BoundGaussians, vertices: Tensor, faces: Tensor) -> Gaussians:
    """The Gaussians on a mesh, without a hole."""
    world = to_world(activate(raw_of(bound, 0)), bound.binding, triangle_frames(vertices, faces))
    full = torch.full_like(world.opacities, 0.99)
    return Gaussians(world.means, world.quats, world.scales, full, world.sh)


def first_per_cell(points: Tensor, low: Tensor, spacing: float) -> Tensor:
    """Indices of the first of points [P, 3] in each cell of a grid that starts at low [3]."""
    cells = ((points - low) / spacing).floor().long()
    _, rows, columns = cells.amax(0).add(1).tolist() if len(cells) else (1, 1, 1)
    keys = (cells[:, 0] * rows + cells[:, 1]) * columns + cells[:, 2]
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
    return torch.cat([torch.cdist(part, centres).argmin(1) for part in points.split(1024)])
