"""Splitting and cutting keep shape and colours, and part a surface only along the line."""

import numpy as np
import pytest
import torch
import trimesh
from coloured_scans import face_colours

from avatar.geometry.coloured import ColouredMesh, colours_at
from avatar.geometry.edges import edges_of, open_edges
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Bools, Floats
from avatar.retarget.scan_cut import cut_open, refine, split_edges, zero_line
from avatar.retarget.scan_inner_mouth import plain_paint


@pytest.fixture
def ball() -> ColouredMesh:
    sphere = trimesh.creation.icosphere(4, 0.1)
    mesh = Mesh(torch.from_numpy(np.array(sphere.vertices)), torch.from_numpy(sphere.faces))
    return ColouredMesh(mesh, plain_paint(face_colours(np.array(sphere.vertices))[sphere.faces]))


def areas(scan: ColouredMesh) -> Floats:
    a, b, c = (scan.vertices[scan.faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def mean_colour(scan: ColouredMesh) -> Floats:
    """Colour integrated over the surface [3], exact for colours linear in each triangle."""
    middles = colours_at(
        scan.paint, np.arange(len(scan.faces)), np.full((len(scan.faces), 3), 1 / 3)
    )
    return areas(scan) @ middles


def same_surface(one: ColouredMesh, other: ColouredMesh) -> None:
    assert np.isclose(areas(one).sum(), areas(other).sum(), rtol=1e-9)
    assert np.allclose(mean_colour(one), mean_colour(other), rtol=1e-9)
    assert areas(other).min() > 1e-4 * areas(one).min()


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_splitting_edges_changes_nothing_that_is_seen(ball: ColouredMesh, share: float):
    rng = np.random.default_rng(0)
    edges, _ = edges_of(ball.faces)
    edges = edges[rng.random(len(edges)) < share]
    places = rng.uniform(0.1, 0.9, len(edges))
    split = split_edges(ball, edges, places)
    start, end = ball.vertices[edges].swapaxes(0, 1)
    added = split.vertices[len(ball.vertices) :]
    assert np.allclose(added, start + (end - start) * places[:, None])
    assert len(open_edges(split.faces)) == 0
    same_surface(ball, split)


def test_refining_shortens_edges_where_it_is_wished(ball: ColouredMesh):
    def near(points: Floats) -> Bools:
        return points[:, 1] > 0.02

    fine = refine(ball, near, lambda points: 0.004 + 0.1 * points[:, 1])
    start, end = fine.vertices[edges_of(fine.faces)[0]].swapaxes(0, 1)
    length, middle = np.linalg.norm(end - start, axis=1), (start + end) / 2
    assert (length <= 0.004 + 0.1 * middle[:, 1])[near(middle)].all()
    low = ball.vertices[ball.faces][:, :, 1].max(1) < 0
    kept = fine.vertices[fine.faces][:, :, 1].max(1) < 0
    assert low.sum() == kept.sum()
    assert len(open_edges(fine.faces)) == 0
    same_surface(ball, fine)


@pytest.mark.parametrize("tilt", [0.0, 0.37])  # at 0 the line runs exactly through vertices
def test_an_open_line_parts_its_inside_and_keeps_its_ends(ball: ColouredMesh, tilt: float):
    x, y, z = ball.vertices.T
    level = y - tilt * x
    line = zero_line(ball.faces, level, (z > 0.03) & (np.abs(x) < 0.06))
    count = len(line.edges)
    assert (~line.inner).sum() == 2
    cut = cut_open(ball, line, level)
    assert len(cut.vertices) == len(ball.vertices) + count + count - 2
    rim = open_edges(cut.faces)
    assert len(rim) == 2 * (count - 1)  # both banks, from end to end
    on_line = cut.vertices[rim[:, 0]]
    assert np.abs(on_line[:, 1] - tilt * on_line[:, 0]).max() < 0.001
    assert np.ptp(on_line[:, 0]) > 0.1
    pulled = cut.vertices.copy()
    below = np.r_[level < 0, np.zeros(count, bool), np.ones(count - 2, bool)]
    pulled[below, 1] -= 0.01  # the lower bank opens without dragging the upper along
    upper = ~below[cut.faces].any(1)
    assert np.array_equal(pulled[cut.faces[upper]], cut.vertices[cut.faces[upper]])
    same_surface(ball, cut)


def test_a_closed_line_cuts_a_piece_out(ball: ColouredMesh):
    level = np.hypot(ball.vertices[:, 0], ball.vertices[:, 1] * 1.7) - 0.05
    line = zero_line(ball.faces, level, ball.vertices[:, 2] > 0)
    assert line.inner.all()
    cut = cut_open(ball, line, level)
    pieces = trimesh.Trimesh(cut.vertices, cut.faces, process=False).split(only_watertight=False)
    assert len(pieces) == 2
    same_surface(ball, cut)


def test_of_several_lines_the_longest_counts(ball: ColouredMesh):
    level = np.sin(ball.vertices[:, 1] * 70)  # rings around the ball, the one at 0 the longest
    line = zero_line(ball.faces, level, np.ones(len(ball.vertices), bool))
    assert np.abs(ball.vertices[line.edges][:, :, 1]).max() < 0.01
    nothing = zero_line(ball.faces, level, np.zeros(len(ball.vertices), bool))
    assert len(nothing.edges) == 0
