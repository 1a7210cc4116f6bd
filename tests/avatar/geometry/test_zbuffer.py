"""The z-buffer against rays, and the laws of perspective and visibility."""

import numpy as np
import pytest
import torch

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import Floats, Ints, normalised
from avatar.geometry.zbuffer import (
    NOTHING,
    corner_weights,
    parallel_axes,
    project_parallel,
    project_samples,
    rasterize,
)
from splat import Camera, look_at


def camera(width: int = 30, height: int = 22) -> Camera:
    eye, target = torch.tensor([0.1, 0.2, 1.0]), torch.tensor([0.0, 0.0, 0.0])
    return look_at(eye, target, torch.tensor([0.1, 1, 0]), focal=60, width=width, height=height)


def soup(count: int, seed: int) -> tuple[Floats, Ints]:
    """Triangles of all sizes that cut each other."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(count, 1, 3)) * 0.12
    corners = middles + rng.normal(size=(count, 3, 3)) * rng.uniform(0.02, 0.2, (count, 1, 1))
    return corners.reshape(-1, 3), np.arange(3 * count).reshape(count, 3)


def cast_rays(view: Camera, vertices: Floats, faces: Ints) -> tuple[Ints, Floats, Floats]:
    """The naive form: every pixel's ray against every triangle (Möller and Trumbore 1997).

    Returns the nearest triangle [H, W], its weights [H, W, 3] and its depth [H, W].
    """
    inverse = np.linalg.inv(view.viewmat.double().numpy())
    intrinsics = np.linalg.inv(view.K.double().numpy())
    rows, columns = np.mgrid[: view.height, : view.width] + 0.5
    in_camera = np.stack([columns, rows, np.ones_like(rows)], -1) @ intrinsics.T
    rays, eye = in_camera @ inverse[:3, :3].T, inverse[:3, 3]
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(rays[:, :, None], c - a)  # [H, W, M, 3]
    determinant = (across * (b - a)).sum(-1)
    to_b = (across * (eye - a)).sum(-1) / determinant
    turned = np.cross(eye - a, b - a)
    to_c = (turned * rays[:, :, None]).sum(-1) / determinant
    depth = (turned * (c - a)).sum(-1) / determinant
    inside = (to_b >= 0) & (to_c >= 0) & (to_b + to_c <= 1) & (depth > 0)
    depth = np.where(inside, depth, np.inf)
    nearest = depth.argmin(-1)[..., None]
    weights = np.stack([1 - to_b - to_c, to_b, to_c], -1)
    chosen = np.take_along_axis(weights, nearest[..., None], 2)[:, :, 0]
    found = np.take_along_axis(depth, nearest, 2)[..., 0]
    return np.where(np.isfinite(found), nearest[..., 0], NOTHING), chosen, found


def barycentrics(projected: Floats, faces: Ints, seen: Ints) -> Floats:
    """Weights [H, W, 3] of the corners of the triangle seen at each pixel's centre; 0 for none."""
    weights = np.zeros((*seen.shape, 3))
    for row, column in np.argwhere(seen >= 0):
        corners = faces[seen[row, column]]
        weights[row, column] = corner_weights(projected, *corners, column + 0.5, row + 0.5)
    return weights


@pytest.mark.parametrize("seed", range(4))
def test_as_rays_see_it(seed: int):
    view = camera()
    vertices, faces = soup(40, seed)
    projected = project_samples(view, vertices)
    drawn = rasterize(projected, faces, view.height, view.width)
    expected, weights, depth = cast_rays(view, vertices, faces)
    assert 0.2 < (expected >= 0).mean() < 0.999
    assert np.array_equal(drawn.faces, expected)
    seen = expected >= 0
    assert np.abs(1 / drawn.nearness[seen] - depth[seen]).max() < 1e-5
    found = barycentrics(projected, faces, drawn.faces)
    assert np.abs(found[seen] - weights[seen]).max() < 1e-6
    assert not found[~seen].any()


def test_weights_are_those_of_perspective():
    view = camera()
    vertices, faces = soup(5, 7)
    projected = project_samples(view, vertices)
    drawn = rasterize(projected, faces, view.height, view.width)
    seen = drawn.faces >= 0
    weights = barycentrics(projected, faces, drawn.faces)[seen]
    points = np.einsum("pc,pcx->px", weights, vertices[faces[drawn.faces[seen]]])
    rows, columns = np.nonzero(seen)
    back = project_samples(view, points)
    assert np.abs(back[:, 0] - columns - 0.5).max() < 1e-6
    assert np.abs(back[:, 1] - rows - 0.5).max() < 1e-6


def test_samples_make_a_finer_grid_of_the_same_picture():
    view = camera()
    vertices, faces = soup(20, 3)
    coarse = rasterize(project_samples(view, vertices), faces, view.height, view.width)
    fine = rasterize(project_samples(view, vertices, 3), faces, 3 * view.height, 3 * view.width)
    assert np.array_equal(fine.faces[1::3, 1::3], coarse.faces)


def test_the_order_of_triangles_does_not_matter():
    view = camera()
    vertices, faces = soup(40, 5)
    projected = project_samples(view, vertices)
    one = rasterize(projected, faces, view.height, view.width)
    other = rasterize(projected, faces[::-1].copy(), view.height, view.width)
    assert np.array_equal(one.nearness, other.nearness)
    assert np.array_equal(one.faces, np.where(other.faces < 0, NOTHING, 39 - other.faces))


def test_moving_camera_and_mesh_together_changes_nothing():
    view = camera()
    vertices, faces = soup(30, 6)
    turn = axis_angle_to_matrix(torch.tensor([0.3, -0.8, 0.5], dtype=torch.float64))
    shift = torch.tensor([0.2, -1.0, 0.4], dtype=torch.float64)
    moved_view = view.viewmat.double().clone()
    moved_view[:3, :3] = moved_view[:3, :3] @ turn.T
    moved_view[:3, 3] -= moved_view[:3, :3] @ shift
    moved = Camera(moved_view, view.K, view.width, view.height)
    one = rasterize(project_samples(view, vertices), faces, view.height, view.width)
    points = vertices @ turn.numpy().T + shift.numpy()
    other = rasterize(project_samples(moved, points), faces, view.height, view.width)
    assert (one.faces != other.faces).mean() < 0.005  # a centre may lie on an edge


def test_two_triangles_of_a_square_leave_no_gap():
    corners = np.array([[2.5, 1.5, 1], [12.5, 1.5, 1], [12.5, 9.5, 1], [2.5, 9.5, 1]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    drawn = rasterize(corners, faces, 12, 16)
    expected = np.zeros((12, 16), bool)
    expected[1:10, 2:13] = True
    assert np.array_equal(drawn.faces >= 0, expected)


def test_what_reaches_behind_the_camera_is_left_out():
    view = camera()
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0, 2.0], [0, 0.1, 0.0]])
    faces = np.array([[0, 1, 2], [0, 1, 3]])
    drawn = rasterize(project_samples(view, vertices), faces, view.height, view.width)
    assert set(np.unique(drawn.faces)) == {NOTHING, 1}


def test_nothing_at_all():
    empty = np.zeros((0, 3), np.int64)
    drawn = rasterize(np.zeros((0, 3)), empty, 4, 5)
    assert (drawn.faces == NOTHING).all()
    assert not drawn.nearness.any()


def test_from_far_away_the_nearest_is_seen_wherever_the_origin_lies():
    axes = parallel_axes(normalised(np.array([[0.3, -0.2, 0.9]])))[0]
    assert np.allclose(axes @ axes.T, np.eye(3)) and np.isclose(np.linalg.det(axes), 1)
    vertices, faces = soup(40, 8)
    projected = project_parallel(axes, vertices, 0.3, 40)
    drawn = rasterize(projected, faces, 40, 40, -np.inf)
    nearer = project_parallel(axes, vertices + 5 * axes[2], 0.3, 40)
    shifted = rasterize(nearer, faces, 40, 40)
    assert np.array_equal(drawn.faces, shifted.faces)
    assert drawn.nearness[drawn.faces >= 0].min() < 0
    assert np.isneginf(drawn.nearness[drawn.faces < 0]).all()
    assert np.allclose(drawn.nearness[drawn.faces >= 0] + 5, shifted.nearness[shifted.faces >= 0])
