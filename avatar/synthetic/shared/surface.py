"""Triangle meshes and places on them."""

from dataclasses import dataclass

import numpy as np
import torch

from avatar.mesh.normals import point_normals
from avatar.mesh.vectors import Floats, Ints, disc_axes, dot, normalised
from avatar.rig.triangle_frames import triangle_frames

ROUNDING = 0.65  # share of Phong tessellation: hides the coarse mesh on the silhouette


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh with smooth normals."""

    vertices: Floats  # [V, 3] metres
    faces: Ints  # [M, 3]
    normals: Floats  # [V, 3]


@dataclass(frozen=True)
class Spots:
    """Places on a mesh that stay where they are on it when it changes shape."""

    triangles: Ints  # [N]
    weights: Floats  # [N, 3] barycentric
    spacing: Floats  # [N] metres to the neighbours

    def __len__(self) -> int:
        return len(self.triangles)

    def __getitem__(self, chosen: np.ndarray) -> "Spots":
        return Spots(self.triangles[chosen], self.weights[chosen], self.spacing[chosen])


def mesh(vertices: Floats, faces: Ints) -> Mesh:
    """A mesh with area-weighted vertex normals."""
    return Mesh(vertices, faces, point_normals(vertices, faces))


def at_spots(values: Floats, faces: Ints, spots: Spots) -> Floats:
    """Per-vertex values [V, ...] interpolated to spots [N, ...]."""
    corners = values[faces[spots.triangles]]  # [N, 3, ...]
    return np.einsum("nc,nc...->n...", spots.weights, corners)


def smooth_points(surface: Mesh, spots: Spots) -> tuple[Floats, Floats]:
    """Points and unit normals [N, 3] at spots on the rounded surface."""
    corners = surface.faces[spots.triangles]
    return rounded_points(surface.vertices, surface.normals, corners, spots.weights)


def rounded_points(
    vertices: Floats, normals: Floats, corners: Ints, weights: Floats, rounding: float = ROUNDING
) -> tuple[Floats, Floats]:
    """Points and unit normals [P, 3] by Phong tessellation (Boubekeur and Alexa 2008).

    vertices, normals [V, 3] of the coarse mesh; corners [P, 3] vertices of each point's triangle;
    weights [P, 3]; rounding: share of the way from the flat triangle to the bulged one. Corners
    stay where they are.
    """
    flat, turned = (np.einsum("pc,pcx->px", weights, each[corners]) for each in (vertices, normals))
    bulge = np.zeros_like(flat)
    for weight, corner in zip(weights.T, corners.T, strict=True):
        lift = dot(flat - vertices[corner], normals[corner])
        bulge += weight[:, None] * (flat - lift * normals[corner])
    return flat + rounding * (bulge - flat), normalised(turned)


def carried(source: Mesh, target: Mesh, triangles: Ints) -> tuple[Floats, Floats, Floats]:
    """How triangles [N] turn and grow from one shape of a mesh to another.

    Returns turns [N, 3, 3], growth [N] and the places of both origins [N, 2, 3].
    """
    before, after = (
        triangle_frames(torch.from_numpy(shape.vertices), torch.from_numpy(shape.faces))
        for shape in (source, target)
    )
    turns = after.R_world_tri @ before.R_world_tri.transpose(-1, -2)
    origins = torch.stack([before.origins_world, after.origins_world], dim=1)
    growth = after.scales / before.scales
    return turns.numpy()[triangles], growth.numpy()[triangles], origins.numpy()[triangles]


def carried_discs(source: Mesh, target: Mesh, spots: Spots) -> tuple[Floats, Floats, Floats]:
    """Discs that lie on one rounded shape of a mesh at spots [N], as they lie in another shape.

    Returns their centres [N, 3], axes [N, 3, 3] and growth [N].
    """
    points, normals = smooth_points(source, spots)
    turns, growth, origins = carried(source, target, spots.triangles)
    from_origin = np.einsum("nij,nj->ni", turns, points - origins[:, 0]) * growth[:, None]
    return origins[:, 1] + from_origin, turns @ disc_axes(normals), growth
