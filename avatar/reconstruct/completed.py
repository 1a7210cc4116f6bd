"""Colours of triangles that no picture shows: of skin those of the other side of the head, in the
light of their own side; of all else those of the nearest triangle that is shown."""

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.light.other_side import Told, mirrored
from avatar.mesh import Mesh
from avatar.reconstruct.seeds import nearest_triangles
from avatar.rig.triangle_frames import triangle_frames

NOT_SKIN = ("eyes", "teeth", "tongue", "inner_mouth")  # regions
SURE = 4.0  # pictures, about, that tell a colour as well as it can be told
SEEN = 1e-3  # of a picture
UNKNOWN = 0.5  # grey


def completed(mesh: Mesh, sums: Tensor, weights: Tensor, head: Head | None) -> Tensor:
    """A colour [M, 3] for each triangle of a mesh at rest.

    sums [M, 3], weights [M]: of the colours that pictures show, weighted by how well they do;
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
    other = other_side(mesh, head)
    normals = triangle_frames(mesh.vertices, mesh.faces).R_world_tri[..., 1].double().numpy()
    sure = torch.where(weights > SEEN, (weights / SURE).clamp(max=1), 0.0)
    own, there = (
        Told(colours[rows].double().numpy(), sure[rows].double().numpy())
        for rows in (slice(None), other)
    )
    both = mirrored(own, there, normals, normals[other.numpy()])
    return torch.from_numpy(both.values).float(), torch.from_numpy(both.weight) > 0


def other_side(mesh: Mesh, head: Head) -> Tensor:
    """For each triangle [M] of the skin the one at the mirrored place; for others themselves."""
    kept = torch.ones(len(mesh.vertices), dtype=torch.bool)
    for name in NOT_SKIN:
        kept[head.regions[name]] = False
    skin = kept[mesh.faces].all(1).nonzero()[:, 0]
    middles = mesh.vertices[mesh.faces[skin]].mean(1) * torch.tensor([-1.0, 1.0, 1.0])
    other = torch.arange(len(mesh.faces))
    other[skin] = skin[nearest_triangles(middles, mesh.vertices, mesh.faces[skin])]
    return other
