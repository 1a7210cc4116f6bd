"""The tree's closest points, held to those of all triangles one by one."""

import numpy as np
import pytest
import trimesh

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.triangle_mesh import face_normals

ALLOWED, COSINE, REACH = 0b01, 0.3, 0.8


def test_the_tree_finds_what_a_look_at_every_triangle_finds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("avatar.geometry.closest.TOGETHER", 70)
    rng = np.random.default_rng(0)
    vertices, faces = rng.normal(size=(60, 3)), rng.integers(0, 60, (150, 3))
    faces = faces[(faces != np.roll(faces, 1, axis=1)).all(1)]
    points, normals = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    classes = rng.integers(0, 2, len(faces))
    tree = face_tree(vertices, faces, classes)
    masks = np.full(len(points), ALLOWED)
    free, bound = closest(tree, points), closest(tree, points, normals, COSINE, masks, REACH)
    found = 0
    for k, point in enumerate(points):
        each = trimesh.triangles.closest_point(vertices[faces], np.tile(point, (len(faces), 1)))
        apart = np.linalg.norm(each - point, axis=1)
        assert np.isclose(free.distances[k], apart.min())
        on = free.weights[k] @ vertices[faces[free.faces[k]]]
        assert np.isclose(np.linalg.norm(on - point), apart.min())
        may = (classes == 0) & (face_normals(vertices, faces) @ normals[k] >= COSINE)
        nearest = np.where(may & (apart < REACH), apart, np.inf).min()
        assert np.isclose(bound.distances[k], nearest) and (bound.faces[k] < 0) == np.isinf(nearest)
        found += bound.faces[k] >= 0
    assert 20 < found < 180
