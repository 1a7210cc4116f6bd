"""Bind Gaussians to the triangles of a mesh and skin them to it when it moves, by the frames of
GaussianAvatars (arXiv 2312.02069)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.geometry.rotations import (
    matrix_to_quaternion,
    multiply_quaternions,
    quaternion_to_matrix,
)
from splat import Gaussians, RawGaussians

EPSILON = 1e-12  # keeps degenerate triangles finite


@dataclass(frozen=True)
class TriangleFrames:
    """The pose of each triangle: means_world = scale · (R_world_tri · means_tri) + origin."""

    R_world_tri: Tensor  # [..., M, 3, 3] columns: unit edge v0→v1, normal, edge × normal
    origins_world: Tensor  # [..., M, 3] centroids, metres
    scales: Tensor  # [..., M] mean of the edge's length and the height over it, metres


def triangle_frames(vertices: Tensor, faces: Tensor) -> TriangleFrames:
    """Frames of all triangles of a mesh, differentiable.

    vertices [..., V, 3] metres; faces [M, 3]. A triangle without area gets a rotation that is
    finite and orthonormal wherever its edge has a direction, and a scale above zero.
    """
    v0, v1, v2 = (vertices[..., faces[:, corner], :] for corner in range(3))  # [..., M, 3]
    edge, other = v1 - v0, v2 - v0
    x = torch.eye(3, dtype=edge.dtype, device=edge.device)[0]
    edge_unit = _normalised(edge, x.expand_as(edge))
    normal = torch.linalg.cross(edge_unit, other)
    normal = _normalised(normal, _perpendicular(edge_unit))
    bitangent = torch.linalg.cross(edge_unit, normal)
    height = (bitangent * other).sum(-1).abs()
    scales = (_length(edge).squeeze(-1) + height) / 2
    return TriangleFrames(
        R_world_tri=torch.stack([edge_unit, normal, bitangent], dim=-1),
        origins_world=(v0 + v1 + v2) / 3,
        scales=scales,
    )


def _length(vectors: Tensor) -> Tensor:
    return (vectors.square().sum(-1, keepdim=True) + EPSILON**2).sqrt()


def _normalised(vectors: Tensor, fallback: Tensor) -> Tensor:
    length = _length(vectors)
    return torch.where(length > 2 * EPSILON, vectors / length, fallback)


def _perpendicular(units: Tensor) -> Tensor:
    """Some unit vector at right angles to each of `units` [..., 3]."""
    least = units.abs().argmin(-1, keepdim=True)
    axis = torch.zeros_like(units).scatter(-1, least, 1.0)
    across = torch.linalg.cross(units, axis)
    return across / _length(across)


MAX_OPACITY = 1.0 - 1e-6  # the logit of 1 is infinite


def bind(
    gaussians_world: Gaussians, binding: Tensor, vertices: Tensor, faces: Tensor
) -> RawGaussians:
    """Local Gaussians of world Gaussians bound to triangles of a mesh: the inverse of `to_world`.

    binding [N] int64 triangle indices; vertices [V, 3]; faces [M, 3]. Returns RawGaussians in the
    frames of their triangles, sizes relative to the triangle's scale.
    """
    frames = triangle_frames(vertices, faces)
    R_tri_world = frames.R_world_tri[binding].transpose(-1, -2)  # [N, 3, 3]
    scales = frames.scales[binding, None]
    offsets = gaussians_world.means - frames.origins_world[binding]
    rotations = R_tri_world @ quaternion_to_matrix(gaussians_world.quats)
    return RawGaussians(
        means=(R_tri_world @ offsets[..., None]).squeeze(-1) / scales,
        quats=matrix_to_quaternion(rotations),
        log_scales=torch.log(gaussians_world.scales / scales),
        opacity_logits=torch.logit(gaussians_world.opacities.clamp(max=MAX_OPACITY)),
        sh=gaussians_world.sh,
    )


def to_world(local: Gaussians, binding: Tensor, frames: TriangleFrames) -> Gaussians:
    """World Gaussians of activated local ones; differentiable in both arguments.

    local: means, quats and scales in triangle frames; binding [N]; frames of one mesh or of many.
    Opacities and SH coefficients stay as they are, one for all meshes: view-dependent colour is not
    turned with the face, as in GaussianAvatars.
    """
    scales = frames.scales[..., binding, None]  # [..., N, 1]
    turned = (frames.R_world_tri[..., binding, :, :] @ local.means[..., None]).squeeze(-1)
    quats_world_tri = matrix_to_quaternion(frames.R_world_tri)[..., binding, :]
    return Gaussians(
        means=torch.addcmul(frames.origins_world[..., binding, :], turned, scales),
        quats=multiply_quaternions(quats_world_tri, local.quats),
        scales=local.scales * scales,
        opacities=local.opacities,
        sh=local.sh,
    )
