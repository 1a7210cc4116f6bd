"""Rays past a mesh, against all triangles one by one."""

import numpy as np

from avatar.geometry.closest import face_tree
from avatar.geometry.rays import unhidden
from avatar.geometry.vectors import Bools, Floats, sphere_directions
from avatar.heads import load_head


def one_by_one(corners: Floats, start: Floats, way: Floats) -> Bools:
    """Whether a ray meets each of triangles [M, 3, 3]: three tetrahedra of one sign, ahead."""
    a, b, c = (corners - start).swapaxes(0, 1)
    turns = [np.cross(p, q) @ way for p, q in ((a, b), (b, c), (c, a))]
    inside = (np.min(turns, axis=0) >= 0) | (np.max(turns, axis=0) <= 0)
    normal = np.cross(b - a, c - a)
    slope = normal @ way
    distance = (normal * a).sum(1) / np.where(slope == 0, np.inf, slope)
    return inside & (distance > 1e-6)


def test_rays_meet_what_they_meet_triangle_by_triangle():
    head = load_head()
    vertices, faces = head.vertices.double().numpy(), head.faces.numpy()
    rng = np.random.default_rng(0)
    points = vertices[rng.choice(len(vertices), 40)] + rng.normal(size=(40, 3)) * 0.004
    towards = sphere_directions(30)
    asked = rng.random((40, 30)) < 0.8
    found = unhidden(face_tree(vertices, faces), points, towards, asked)
    expected = [[not one_by_one(vertices[faces], p, d).any() for d in towards] for p in points]
    assert not found[~asked].any()
    assert (found == np.array(expected) & asked).mean() > 0.998  # rays along an edge may differ
    assert 0.05 < found[asked].mean() < 0.95
