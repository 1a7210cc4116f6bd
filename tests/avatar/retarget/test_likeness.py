"""How much a surface is like a face."""

import numpy as np
import trimesh
from head_meshes import HEAD, noisy, sealed_scan, subdivided

from avatar.geometry.vectors import Floats, Ints
from avatar.retarget.likeness import likeness
from avatar.retarget.template import template_of

TEMPLATE = template_of(HEAD)


def like(vertices: Floats, faces: Ints) -> float:
    return likeness(TEMPLATE, vertices, faces, TEMPLATE.vertices)


def shape(known) -> tuple[Floats, Ints]:
    return known.mesh.vertices.double().numpy(), known.mesh.faces.numpy()


def test_a_face_is_like_itself_however_it_is_meshed():
    assert like(*shape(sealed_scan())) > 0.9
    assert like(*shape(subdivided(sealed_scan()))) > 0.9
    assert like(*shape(noisy(subdivided(sealed_scan()), 0.0005))) > 0.85


def test_other_faces_are_like_it_and_other_shapes_are_not():
    for identity in HEAD.identities.values():
        assert 0.6 < like(*shape(sealed_scan(identity))) < 0.95
    vertices, faces = shape(sealed_scan())
    assert like(vertices * [1, -1, 1], faces[:, ::-1]) < 0.4  # upside down
    egg = trimesh.creation.icosphere(5)
    assert abs(like(egg.vertices * [0.075, 0.12, 0.1], np.asarray(egg.faces))) < 0.2


def test_what_is_missing_is_not_like_a_face():
    vertices, faces = shape(sealed_scan())
    middles = vertices[faces].mean(1)
    upper = like(vertices, faces[middles[:, 1] > -0.01])
    assert 0.2 < upper < 0.8 * like(vertices, faces)
    assert like(vertices + np.array([0, 0, 0.5]), faces) == 0.0
    assert like(vertices, faces[:, ::-1]) < 0.1  # inside out


def test_relief_counts_not_size_or_slope():
    """A face that is a little larger, or that slopes, has the same brows, nose and lips."""
    vertices, faces = shape(sealed_scan())
    base = like(vertices, faces)
    assert like(vertices * 1.02, faces) > base - 0.05
    slope = vertices + np.outer(vertices[:, 1], [0.0, 0.0, 0.05])
    assert like(slope, faces) > base - 0.05
