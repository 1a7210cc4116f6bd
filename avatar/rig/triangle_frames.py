"""A local frame on every triangle, as GaussianAvatars (arXiv 2312.02069) defines it."""

from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-12  # keeps degenerate triangles finite


@dataclass(frozen=True)
class TriangleFrames:
    """Where each triangle stands: means_world = scale · (R_world_tri · means_tri) + origin."""

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
    edge_unit = _normalised(edge, _axis(edge, 0))
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


def _axis(like: Tensor, index: int) -> Tensor:
    return torch.eye(3, dtype=like.dtype, device=like.device)[index].expand_as(like)


def _perpendicular(units: Tensor) -> Tensor:
    """Some unit vector at right angles to each of `units` [..., 3]."""
    least = units.abs().argmin(-1, keepdim=True)
    axis = torch.zeros_like(units).scatter(-1, least, 1.0)
    across = torch.linalg.cross(units, axis)
    return across / _length(across)
