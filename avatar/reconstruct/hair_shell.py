"""Hair as a shell over the scalp, with the thickness of its outlines.

Head turns of a few degrees show outlines of hair but not its depth, and their visual hull is a fan
of sheets. The thickness at a point of the scalp is measured along its normal in the frames that see
it edge-on; it is smooth and symmetric between such points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.geometry.triangle_mesh import Mesh, vertex_normals
from avatar.geometry.zbuffer import project, towards
from avatar.heads import Head
from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.visual_hull import distances, look_up, thinned

HAIR = 2  # label
STEP, THICKEST, THINNEST = 0.001, 0.05, 0.002  # metres
EDGE_ON, FACING = 0.4, 0.3  # cosines to the view: at most where outlines pass, at least if seen
SOLID = 0.5  # of a mask
NEAR = 0.02  # metres: standard deviation of the smoothing over the scalp
TAPER = 0.02  # metres from the hairline on, over which hair gets thick
HAIR_SHARE = 0.5  # of what is visible at a position
LAYERS = (0.45, 0.9)  # of the thickness
CANDIDATES = 30  # positions for one that is kept
FINEST = 0.001  # metres between positions
SIZE = 0.7  # standard deviation, in units of the spacing


@dataclass(frozen=True)
class ShellObservation:
    """Values observed at some positions."""

    positions: Tensor  # [P, 3]
    values: Tensor  # [P, C]
    weight: Tensor  # [P]


def hair_shell(
    mesh: Mesh, head: Head, seen: Sequence[tuple[View, Picture, Tensor]], most: int
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Points [P, 3] in head space with colours [P, 3] and sizes [P], `most` at most, and the
    triangles [P] they grow on; none on a bald head.

    seen: cameras in the space of the head, pictures without the torso, and labels [H, W].
    """
    on_scalp = torch.zeros(len(mesh.vertices), dtype=torch.bool)
    on_scalp[head.regions["scalp"]] = True
    triangles = on_scalp[mesh.faces].all(1).nonzero()[:, 0]
    normals = vertex_normals(mesh.vertices, mesh.faces)
    thick = thickness(mesh.vertices, normals, on_scalp, seen)
    owners, corners = _random_roots(mesh, triangles, CANDIDATES * most)
    across = [(part[mesh.faces[owners]] * corners[..., None]).sum(1) for part in (normals, thick)]
    roots = (mesh.vertices[mesh.faces[owners]] * corners[..., None]).sum(1)
    kept, spacing = thinned(roots, mesh.vertices.amin(0), FINEST, most // len(LAYERS))
    owners, roots = owners[kept], roots[kept]
    normals, thick = (part[kept] for part in across)
    observed = colours_and_hair(roots + LAYERS[-1] * thick * normals, normals, roots, seen)
    hairy = observed[:, 3] > HAIR_SHARE
    bare = torch.cat([roots[~hairy], mesh.vertices[~on_scalp]])
    thick = thick * (distances(roots, bare) / TAPER).clamp(max=1)[:, None]
    hairy &= thick[:, 0] > THINNEST
    layers = [(roots + share * thick * normals)[hairy] for share in LAYERS]
    points, count = torch.cat(layers), len(LAYERS)
    sizes = torch.full((len(points),), SIZE * spacing)
    return (points, observed[hairy, :3].repeat(count, 1), sizes), owners[hairy].repeat(count)


def thickness(
    vertices: Tensor, normals: Tensor, where: Tensor, seen: Sequence[tuple[View, Picture, Tensor]]
) -> Tensor:
    """Thickness [V, 1] in metres of the subject beyond vertices, at those of `where` [V]."""
    rows = where.nonzero()[:, 0]
    steps = torch.arange(STEP, THICKEST, STEP)
    lines = vertices[rows, None] + normals[rows, None] * steps[:, None]  # [R, S, 3]
    ends = torch.full((len(seen), len(rows)), torch.nan)
    for end, (view, picture, _) in zip(ends, seen, strict=True):
        pixels = project(view.camera, lines.flatten(0, 1))[0]
        inside, value = look_up(torch.from_numpy(picture.mask), pixels)
        within = (~inside | (value > 255 * SOLID)).view(lines.shape[:2])
        reach = within.long().cumprod(1).sum(1)
        facing = (normals[rows] * towards(view.camera, vertices[rows])).sum(1)
        edge_on = (facing.abs() < EDGE_ON) & (reach < len(steps))
        end[edge_on] = reach[edge_on] * STEP
    found = ends.nanmedian(0).values
    known = ~found.isnan()
    thick = torch.zeros(len(vertices), 1)
    if known.any():
        observed = ShellObservation(
            vertices[rows][known], found[known, None], torch.ones(int(known.sum()))
        )
        thick[rows] = smoothed(observed, vertices[rows])
    return thick


def colours_and_hair(
    points: Tensor, normals: Tensor, roots: Tensor, seen: Sequence[tuple[View, Picture, Tensor]]
) -> Tensor:
    """Colours in [0, 1] and the share that is hair [P, 4] at points [P, 3] over their roots."""
    total, weight = torch.zeros(len(points), 4), torch.zeros(len(points))
    hair_weight = torch.zeros(len(points))
    for view, picture, labels in seen:
        pixels = project(view.camera, points)[0]
        facing = (normals * towards(view.camera, points)).sum(1)
        inside, label = look_up(labels, pixels)
        mask = look_up(torch.from_numpy(picture.mask), pixels)[1].float()
        columns, rows = pixels.floor().long().unbind(-1)
        height, width = labels.shape
        colour = torch.from_numpy(picture.color)[
            rows.clamp(0, height - 1), columns.clamp(0, width - 1)
        ]
        share = facing * (inside & (facing > FACING) & (mask > 255 * SOLID))
        hair = share * (label == HAIR)
        total[:, :3] += colour.float() / mask.clamp(min=1)[:, None] * hair[:, None]
        total[:, 3] += hair
        hair_weight += hair
        weight += share
    colour = ShellObservation(
        roots, total[:, :3] / hair_weight.clamp(min=1e-6)[:, None], hair_weight
    )
    hairy = ShellObservation(roots, total[:, 3:] / weight.clamp(min=1e-6)[:, None], weight)
    return torch.cat([smoothed(each, roots) for each in (colour, hairy)], 1)


def smoothed(observed: ShellObservation, positions: Tensor) -> Tensor:
    """Values [Q, C] at positions [Q, 3]: Gaussian means of the observations and their mirror
    images; far from all, the nearest."""
    known = observed.weight > 0
    if not known.any():
        return torch.zeros(len(positions), observed.values.shape[1])
    mirror = observed.positions.new_tensor([-1.0, 1.0, 1.0])
    samples = torch.cat([observed.positions[known], observed.positions[known] * mirror])
    values, weight = observed.values[known].repeat(2, 1), observed.weight[known].repeat(2)
    found = []
    for part in positions.split(512):
        squares = torch.cdist(part, samples).square()
        squares = squares - squares.amin(1, keepdim=True)
        share = torch.exp(-squares / (2 * NEAR**2)) * weight
        found.append(share @ values / share.sum(1, keepdim=True))
    return torch.cat(found)


def _random_roots(mesh: Mesh, triangles: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Triangles [N] and barycentric positions [N, 3] on them, spread at random by area."""
    random = torch.Generator().manual_seed(0)
    a, b, c = mesh.vertices[mesh.faces[triangles]].unbind(1)
    areas = torch.linalg.cross(b - a, c - a).norm(dim=1)
    owners = triangles[torch.multinomial(areas, count, replacement=True, generator=random)]
    root, along = torch.rand(count, 2, generator=random).unbind(1)
    root = root.sqrt()
    return owners, torch.stack([1 - root, root * (1 - along), root * along], 1)
