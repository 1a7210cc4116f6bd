"""Normals of arrays and of tensors are the same, and turn with the mesh."""

import numpy as np
import torch

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.triangle_mesh import face_areas, face_normals, point_normals, vertex_normals
from avatar.heads import load_head


def test_the_tensor_twin_gives_the_same_normals():
    head = load_head()
    vertices, faces = head.vertices.double(), head.faces
    ours = point_normals(vertices.numpy(), faces.numpy())
    assert np.abs(ours - vertex_normals(vertices, faces).numpy()).max() < 1e-12
    assert np.allclose(np.linalg.norm(ours, axis=1), 1)


def test_normals_turn_with_the_mesh_and_areas_do_not_change():
    head = load_head()
    vertices, faces = head.vertices.double().numpy(), head.faces.numpy()
    turn = axis_angle_to_matrix(torch.tensor([0.4, -1.1, 0.3], dtype=torch.float64)).numpy()
    turned = vertices @ turn.T
    for normals in (point_normals, face_normals):
        assert np.abs(normals(turned, faces) - normals(vertices, faces) @ turn.T).max() < 1e-9
    assert np.allclose(face_areas(turned, faces), face_areas(vertices, faces), rtol=1e-9)


def test_a_triangle_without_area_has_no_normal():
    line = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    assert not face_normals(line, np.array([[0, 1, 2]])).any()
