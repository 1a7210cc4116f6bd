"""Position, normal and material of each Gaussian of an avatar."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.rotations import quaternion_to_matrix
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised
from avatar.heads import Head
from avatar.lighting.materials import CLOTH, EYES, LIPS, MOUTH, SKIN, STRAND, TEETH
from avatar.rigging.avatar import Avatar
from splat import Gaussians, activate

LOOSE = 4 * MM  # from its triangle, in front of it: then it is hair or cloth
ASIDE = 0.6  # barycentric: how far beside its triangle a Gaussian still lies on the skin
LONG, FLAT = 2.2, 0.5  # ratio of axes from which something is a strand, below which a disc
GROUPS = {"tongue": MOUTH, "teeth": TEETH, "eye": EYES}
"""Materials of the groups of a head's triangles, by the end of their names."""


@dataclass(frozen=True)
class BakePositions:
    """Gaussians on a mesh in one shape."""

    points: Floats  # [N, 3] on the skin; of loose ones their centres
    normals: Floats  # [N, 3] unit
    loose: Bools  # [N]


def material_of(avatar: Avatar, head: Head, loose: Bools) -> Ints:
    """The material [N] uint8 of each Gaussian."""
    binding = avatar.binding.numpy()
    by_group = np.array(
        [
            next((material for end, material in GROUPS.items() if name.endswith(end)), SKIN)
            for name in head.group_names
        ]
    )
    by_triangle = by_group[head.face_groups.numpy()]
    for name, material in (("lips", LIPS), ("inner_mouth", MOUTH)):
        inside = torch.zeros(len(avatar.vertices), dtype=torch.bool)
        inside[head.regions[name]] = True
        by_triangle[inside[avatar.faces].all(1).numpy() & (by_triangle == SKIN)] = material
    material = by_triangle[binding]
    sizes = np.sort(np.exp(avatar.gaussians.log_scales.numpy()), axis=1)
    strand = sizes[:, 2] > LONG * sizes[:, 1]
    material[loose] = np.where(strand[loose], STRAND, CLOTH)
    return material.astype(np.uint8)


def loose_gaussians(avatar: Avatar, gaussians: Gaussians) -> Bools:
    """[N] which are off the skin, as hair and clothes. gaussians: in the rest pose."""
    weights, height = _on_triangles(avatar, gaussians.means, avatar.vertices)
    aside = np.abs(weights - 1 / 3).max(1) > 1 / 3 + ASIDE
    size = np.linalg.norm(np.ptp(avatar.vertices.numpy()[avatar.faces], axis=1), axis=1)
    far = np.abs(weights - 1 / 3).max(1) * size[avatar.binding] > 2 * LOOSE
    return (height > LOOSE) | (aside & far)


def bake_positions(
    avatar: Avatar, gaussians: Gaussians, vertices: Tensor, loose: Bools
) -> BakePositions:
    """The Gaussians on the mesh in the shape of vertices [V, 3]."""
    mesh, faces = vertices.double().numpy(), avatar.faces.numpy()
    corners = faces[avatar.binding.numpy()]  # [N, 3]
    weights, _ = _on_triangles(avatar, gaussians.means, vertices)
    weights = np.clip(weights, 0, 1)
    weights /= weights.sum(1, keepdims=True)
    smooth = point_normals(mesh, faces)
    normals = normalised(np.einsum("nc,ncx->nx", weights, smooth[corners]))
    points = np.einsum("nc,ncx->nx", weights, mesh[corners])
    own = gaussians.means.double().numpy()
    points[loose] = own[loose]
    normals[loose] = _outward(gaussians, own, mesh)[loose]
    return BakePositions(points, normals, loose)


def in_own_frames(gaussians: Gaussians, vectors: Floats) -> Floats:
    """Vectors [N, 3] in the frames of Gaussians, float32."""
    rotations = quaternion_to_matrix(gaussians.quats).double().numpy()
    return np.einsum("nij,ni->nj", rotations, vectors).astype(np.float32)


def tangents_of(avatar: Avatar) -> Floats:
    """The longest axes [N, 3] of Gaussians in their own frames, float32."""
    longest = activate(avatar.gaussians).scales.argmax(1).numpy()
    return np.eye(3, dtype=np.float32)[longest]


def _on_triangles(avatar: Avatar, means: Tensor, vertices: Tensor) -> tuple[Floats, Floats]:
    """Barycentric weights [N, 3] of points projected onto their triangles, and signed distances [N]
    from these in metres."""
    corners = vertices.double().numpy()[avatar.faces.numpy()[avatar.binding.numpy()]]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = means.double().numpy() - corners[:, 0]
    normal = np.cross(edge, other)
    area2 = np.maximum((normal**2).sum(1), 1e-24)
    second = (np.cross(offset, other) * normal).sum(1) / area2
    third = (np.cross(edge, offset) * normal).sum(1) / area2
    height = (offset * normal).sum(1) / np.sqrt(area2)
    return np.stack([1 - second - third, second, third], axis=1), height


def _outward(gaussians: Gaussians, points: Floats, mesh: Floats) -> Floats:
    """Normals [N, 3] of hair and clothes: away from the vertical axis of the head; of a disc its
    own."""
    middle = (mesh.max(0) + mesh.min(0)) / 2
    away = points - middle
    away[:, 1] = np.maximum(away[:, 1], 0) + 0.2 * np.linalg.norm(away[:, [0, 2]], axis=1)
    away = normalised(away)
    scales = gaussians.scales.double().numpy()
    thin = scales.argmin(1)
    rotations = quaternion_to_matrix(gaussians.quats).double().numpy()
    across = np.take_along_axis(rotations, thin[:, None, None], axis=2)[..., 0]
    across *= np.where((across * away).sum(1) < 0, -1, 1)[:, None]
    sizes = np.sort(scales, axis=1)
    disc = (sizes[:, 0] < FLAT * sizes[:, 1]) & (sizes[:, 2] < LONG * sizes[:, 1])
    return np.where(disc[:, None], across, away)
