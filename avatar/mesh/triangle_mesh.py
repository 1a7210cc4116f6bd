"""A triangle mesh and its normals."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh."""

    vertices: Tensor  # [V, 3] metres in head space, unless said otherwise
    faces: Tensor  # [M, 3] int64, counter-clockwise seen from outside


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Smooth unit normals [..., V, 3] of vertices [..., V, 3]: the mean of their triangles' normals
    by area; faces [M, 3]."""
    v0, v1, v2 = (vertices[..., faces[:, corner], :] for corner in range(3))
    by_face = torch.linalg.cross(v1 - v0, v2 - v0)  # [..., M, 3]
    by_vertex = torch.zeros_like(vertices)
    for corner in range(3):
        by_vertex = by_vertex.index_add(-2, faces[:, corner], by_face)
    return functional.normalize(by_vertex, dim=-1)
