"""Shadows of a synthetic capture."""

import numpy as np

from avatar.geometry.closest import face_tree
from avatar.geometry.rays import unhidden
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM
from research.captures.light import DIRECTIONS, cast
from research.captures.scene import Scene


def test_shadows_are_those_that_rays_cast(scene: Scene):
    points, triangles = scene.points, scene.triangles
    solid = triangles.faces[triangles.solid]
    rows = np.unique(solid)[::9]
    places = points.rest[rows] + 0.5 * MM * point_normals(points.rest, triangles.faces)[rows]
    every = np.ones((len(places), len(DIRECTIONS)), bool)
    exact = unhidden(face_tree(points.rest, solid), places, DIRECTIONS, every, 1.6 * MM)
    maps = cast(points.rest, solid).visible(places, 1.6 * MM)
    assert np.abs(exact - maps).mean() < 0.08
