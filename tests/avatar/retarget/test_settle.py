"""Where a head is found does not depend on how its mesh stands or where the search came from."""

import numpy as np
from head_meshes import HEAD, moved, remeshed, whole_head

from avatar.geometry.similarity import Similarity
from avatar.retarget.align import HEAD_POINTS, align, icp_refined
from avatar.retarget.icp import template_points
from avatar.retarget.template import template_of

MICROMETRE = 1e-6


def test_a_mesh_is_found_alike_however_it_stands():
    upright = remeshed(whole_head()).mesh
    turned = moved(remeshed(whole_head()), 1000.0, 130.0, (-300.0, 20.0, 10.0)).mesh
    there = [align(mesh)[0].apply(mesh.vertices.double().numpy()) for mesh in (upright, turned)]
    np.testing.assert_allclose(there[0], there[1], atol=MICROMETRE)


def test_a_pose_that_is_off_comes_back_to_the_same_rest():
    mesh = remeshed(whole_head()).mesh
    vertices, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    points = template_points(template_of(HEAD), HEAD_POINTS)
    turn = 0.02  # radians
    off = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    ways = [
        icp_refined(vertices, faces, start, points)[0].apply(vertices)
        for start in (
            Similarity(1.0, np.eye(3), np.zeros(3)),
            Similarity(1.01, off, np.array([0.002, -0.001, 0.001])),
        )
    ]
    np.testing.assert_allclose(ways[0], ways[1], atol=MICROMETRE)
    np.testing.assert_allclose(ways[0], vertices, atol=0.0003)
