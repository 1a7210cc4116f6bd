"""Texels on triangles, and triangles cut finer."""

import numpy as np
import pytest

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import sphere_directions
from avatar.people.surface import rounded_points
from research.captures.texture import (
    Texture,
    painted,
    resolutions,
    tessellate,
    texel_corners,
    texel_places,
)


def places(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 4, count), rng.dirichlet((1, 1, 1), count)


def sample(texture: Texture, triangles: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Colours [K, C] of a texture at weights [K, 3] of triangles [K]."""
    values = []
    for triangle, (_, to_b, to_c) in zip(triangles, weights, strict=True):
        resolution, first = texture.resolution[triangle], texture.first[triangle]
        *rows, s, t, u = texel_corners(resolution, first, to_b, to_c)
        values.append(np.array([s, t, u]) @ texture.texels[rows])
    return np.array(values)


def test_a_linear_colour_comes_back_exactly():
    resolution = np.array([1, 2, 5, 9])
    on, at = texel_places(resolution)
    texture = painted(resolution, at @ np.diag([1.0, 2.0, 3.0]) + on[:, None])
    triangles, weights = places(500)
    expected = weights * [1, 2, 3] + triangles[:, None]
    assert np.abs(sample(texture, triangles, weights) - expected).max() < 1e-5


def test_texels_themselves_come_back():
    resolution = np.array([3, 1, 7, 4])
    on, at = texel_places(resolution)
    values = np.random.default_rng(0).random((len(on), 2))
    again = sample(painted(resolution, values), on, at)
    assert np.abs(again - values).max() < 1e-5


def test_neighbours_agree_on_their_common_edge():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], float)
    faces = np.array([[0, 1, 2], [3, 2, 1]])
    on, weights = texel_places(np.array([6, 6]))
    at = np.einsum("xc,xcd->xd", weights, points[faces[on]])
    texture = painted(np.array([6, 6]), np.sin(9 * at))
    share = np.linspace(0, 1, 40)
    on_first = np.column_stack([0 * share, 1 - share, share])
    on_second = np.column_stack([0 * share, share, 1 - share])
    one = sample(texture, np.zeros(40, int), on_first)
    other = sample(texture, np.ones(40, int), on_second)
    assert np.abs(one - other).max() < 1e-5


def test_joined_textures_keep_their_triangles():
    parts = []
    for k, size in enumerate(([2, 3], [1, 4])):
        on, at = texel_places(np.array(size))
        parts.append(painted(np.array(size), 10.0 * k + on[:, None] + at))
    triangles, weights = places(50)
    values = sample(concatenated(parts), triangles, weights)
    expected = np.array([0, 1, 10, 11])[triangles][:, None] + weights
    assert np.abs(values - expected).max() < 1e-5


def test_texels_are_no_farther_apart_than_asked():
    points = np.array([[0, 0, 0], [0.01, 0, 0], [0, 0.003, 0]])
    assert resolutions(points, np.array([[0, 1, 2]]), np.array([0.002]))[0] == 6


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_pieces_fill_their_triangle_with_the_same_orientation(segments: int):
    pieces = tessellate(np.array([4]), segments)
    assert len(pieces.faces) == segments**2
    assert (pieces.triangles == 4).all()
    assert (pieces.owners == 4).all()
    plane = pieces.weights[:, 1:]
    a, b, c = (plane[pieces.faces[:, k]] for k in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    area = (ux * vy - uy * vx) / 2
    assert np.allclose(area, 0.5 / segments**2)
    assert np.allclose(pieces.corners, pieces.weights[pieces.faces])


def test_each_triangle_may_have_its_own_number_of_pieces():
    pieces = tessellate(np.array([0, 1, 2]), np.array([1, 3, 1]))
    assert np.bincount(pieces.owners).tolist() == [1, 9, 1]
    assert np.array_equal(pieces.triangles[pieces.faces[:, 0]], pieces.owners)


def test_rounding_keeps_corners_and_nears_a_sphere():
    corners = sphere_directions(12)[:3][None]  # a large triangle of the unit sphere
    vertices = corners[0]
    pieces = tessellate(np.array([0]), 6)
    index = np.tile([0, 1, 2], (len(pieces.weights), 1))
    flat, _ = rounded_points(vertices, vertices, index, pieces.weights, 0.0)
    bulged, normals = rounded_points(vertices, vertices, index, pieces.weights, 0.75)
    at_corner = pieces.weights.max(1) == 1
    assert np.allclose(bulged[at_corner], flat[at_corner])
    from_sphere = [np.abs(np.linalg.norm(p, axis=1) - 1).max() for p in (flat, bulged)]
    assert from_sphere[1] < 0.35 * from_sphere[0]
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
