"""Heads of known geometry and colour, and the light on them by adding up rays one by one."""

from functools import cache

import numpy as np
import torch

from avatar.geometry.closest import face_tree
from avatar.geometry.rays import unhidden
from avatar.geometry.rotations import matrix_to_quaternion
from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import Floats, Ints, disc_axes, sphere_directions
from avatar.heads import Head, load_head
from avatar.lighting.environment import Environment
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind
from splat import Gaussians, rgb_to_sh

MANY = sphere_directions(2048)


@cache
def plain_head(colour: float = 0.5) -> tuple[Avatar, Head]:
    """anny-head with one flat Gaussian in the middle of each triangle, all of one albedo."""
    head = load_head()
    vertices, faces = head.vertices, head.faces
    normals = face_normals(vertices.double().numpy(), faces.numpy())
    count = len(faces)
    world = Gaussians(
        means=vertices[faces].mean(1),
        quats=matrix_to_quaternion(torch.from_numpy(disc_axes(normals))).float(),
        scales=torch.tensor([[2e-3, 2e-4, 2e-3]]).repeat(count, 1),
        opacities=torch.full((count,), 0.95),
        sh=rgb_to_sh(torch.full((count, 1, 3), colour)),
    )
    binding = torch.arange(count)
    raw = bind(world, binding, vertices, faces)
    return Avatar(raw, binding, vertices, faces, "anny-head", unlit=True), head


def direct_sum(
    vertices: Floats, faces: Ints, points: Floats, normals: Floats, light: Environment
) -> Floats:
    """Light [N, 3] that white matt surfaces send back: the sum over MANY directions of light by
    cosine, wherever a ray meets no triangle."""
    tree = face_tree(vertices, faces)
    cosine = np.maximum(normals @ MANY.T, 0)  # [N, D]
    seen = unhidden(tree, points, MANY, cosine > 0)
    nearest = np.argmax(light.directions @ MANY.T, axis=1)
    energy = np.zeros((len(MANY), 3))
    np.add.at(energy, nearest, light.energy)
    return (cosine * seen) @ energy / np.pi
