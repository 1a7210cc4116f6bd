"""A triangle mesh; normals and areas in numpy, and `vertex_normals` in torch for its gradients."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avatar.geometry.vectors import Floats, Ints


@dataclass(frozen=True)
class Mesh:
    vertices: Tensor  # [V, 3] metres in head space, unless said otherwise
    faces: Tensor  # [M, 3] int64, counter-clockwise seen from outside


def area_normals(vertices: Floats, faces: Ints) -> Floats:
    """Normals [M, 3] of triangles, each as long as twice its triangle's area."""
    v0, v1, v2 = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(v1 - v0, v2 - v0)


def face_normals(vertices: Floats, faces: Ints) -> Floats:
    """Unit normals [M, 3] of triangles; zero for one without area."""
    normals = area_normals(vertices, faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)


def face_areas(vertices: Floats, faces: Ints) -> Floats:
    """Areas [M] in square metres."""
    return np.linalg.norm(area_normals(vertices, faces), axis=1) / 2


def point_normals(vertices: Floats, faces: Ints) -> Floats:
    """Smooth unit normals [V, 3]: the mean of the triangles' normals by area."""
    by_face = np.repeat(area_normals(vertices, faces), 3, axis=0)
    columns = [np.bincount(faces.ravel(), along, len(vertices)) for along in by_face.T]
    total = np.stack(columns, axis=1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """The twin of `point_normals` for vertices [..., V, 3] on any device, with gradients."""
    v0, v1, v2 = (vertices[..., faces[:, corner], :] for corner in range(3))
    by_face = torch.linalg.cross(v1 - v0, v2 - v0)  # [..., M, 3]
    by_vertex = torch.zeros_like(vertices)
    for corner in range(3):
        by_vertex = by_vertex.index_add(-2, faces[:, corner], by_face)
    return functional.normalize(by_vertex, dim=-1)
