"""More first Gaussians, where the subject is but its mesh is not; see `avatar.reconstruct.hull`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.capture import Capture, Picture, View
from avatar.reconstruct.cloud import PARTS, Cloud, cloud_of, raw_of
from avatar.reconstruct.hull import carve, uncovered_points
from avatar.rig.binding import bind, to_world
from avatar.rig.triangle_frames import triangle_frames
from splat import Gaussians, activate, render, rgb_to_sh

OPACITY = 0.5
NEAR = 0.1
"""Share of the head's radius: as near to the mesh as this, its own Gaussians get there in time,
and do not start on the hull, which is a little larger than the subject everywhere."""
SIZE = 0.7  # standard deviation, in units of the spacing


def calmest_moment(capture: Capture, views: Sequence[View]) -> int:
    """The moment among views whose mesh is nearest to the rest mesh."""
    moments = sorted({view.timestep for view in views})
    distances = (capture.vertices[moments] - capture.rest).square().sum(-1).mean(-1)
    return moments[int(distances.argmin())]


def seeded(
    capture: Capture, cloud: Cloud, seen: Sequence[tuple[View, Picture]], most: int
) -> Cloud:
    """The cloud with `most` more Gaussians at most, from views of one moment."""
    if most < 1:
        return cloud
    vertices = capture.vertices[seen[0][0].timestep]
    block = carve(vertices, seen)
    mesh = opaque(cloud, vertices, capture.faces)
    found = [uncovered_points(block, v, p, render(mesh, v.camera).alpha) for v, p in seen]
    points, colours = (torch.cat(parts) for parts in zip(*found, strict=True))
    far = beyond(points, vertices, NEAR * head_radius(capture.rest))
    if not far.any():
        return cloud
    points, colours, spacing = thinned(points[far], colours[far], block.edge, most)
    nearest = nearest_triangles(points, vertices, capture.faces)
    count = len(points)
    world = Gaussians(
        means=points,
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        scales=torch.full((count, 3), SIZE * spacing),
        opacities=torch.full((count,), OPACITY),
        sh=rgb_to_sh(colours)[:, None],
    )
    degree = round((cloud.parts["sh_rest"].shape[1] + 1) ** 0.5) - 1
    more = cloud_of(bind(world, nearest, vertices, capture.faces), nearest, degree)
    parts = {name: torch.cat([cloud.parts[name], more.parts[name]]) for name in PARTS}
    return Cloud(parts, torch.cat([cloud.binding, nearest]))


def head_radius(vertices: Tensor) -> float:
    """Half the diagonal of the box around a mesh [V, 3], metres."""
    return float((vertices.amax(0) - vertices.amin(0)).norm()) / 2


def beyond(points: Tensor, vertices: Tensor, distance: float) -> Tensor:
    """Which points [P, 3] lie farther than a distance from all vertices [V, 3]."""
    nearest = [torch.cdist(part, vertices).amin(1) for part in points.split(1024)]
    return torch.cat(nearest) > distance if nearest else torch.zeros(0, dtype=torch.bool)


def opaque(cloud: Cloud, vertices: Tensor, faces: Tensor) -> Gaussians:
    """The cloud on a mesh, without a hole."""
    world = to_world(activate(raw_of(cloud, 0)), cloud.binding, triangle_frames(vertices, faces))
    full = torch.full_like(world.opacities, 0.99)
    return Gaussians(world.means, world.quats, world.scales, full, world.sh)


def thinned(
    points: Tensor, colours: Tensor, spacing: float, most: int
) -> tuple[Tensor, Tensor, float]:
    """At most `most` ≥ 1 of points [P, 3] with their colours: the first in each cell of a grid.

    The grid starts at the points' lowest corner, so that a width over their extent is one cell. It
    is as wide as it has to be, but not finer than `spacing`; its width comes third.
    """
    low = points.amin(0)
    while True:
        cells = ((points - low) / spacing).floor().long()
        unique, owner = torch.unique(cells, dim=0, return_inverse=True)
        if len(unique) <= most:
            break
        spacing *= 1.1
    order = torch.arange(len(points))
    first = torch.full((len(unique),), len(points)).scatter_reduce(0, owner, order, "amin")
    return points[first], colours[first], spacing


def nearest_triangles(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:  # [P]
    """The triangle whose centre is nearest to each of points [P, 3]."""
    centres = triangle_frames(vertices, faces).origins_world
    return torch.cat([torch.cdist(part, centres).argmin(1) for part in points.split(1024)])
