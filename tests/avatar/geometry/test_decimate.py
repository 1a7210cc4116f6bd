"""Decimation keeps shape, colours, gaps and order of magnitude; it is linear in the triangles."""

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from coloured_scans import face_colours, painted
from head_meshes import sealed_scan, subdivided

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.coloured import ColouredMesh, Paint, colours_at, joined, texture_at
from avatar.geometry.decimate import decimated, decimated_mesh
from avatar.geometry.edges import open_edges, pieces
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats

FINE = painted(subdivided(subdivided(sealed_scan())))  # some 98,000 triangles
MOST = 30_000


@pytest.fixture(scope="module")
def coarse() -> ColouredMesh:
    return decimated(FINE, MOST)


def off(scan: ColouredMesh | Mesh, points: Floats) -> Floats:
    mesh = scan.mesh if isinstance(scan, ColouredMesh) else scan
    tree = face_tree(mesh.vertices.double().numpy(), mesh.faces.numpy())
    return closest(tree, points).distances


def parts(mesh: Mesh) -> int:
    faces = mesh.faces.numpy()
    return len(np.unique(pieces(faces[:, [[0, 1], [1, 2]]].reshape(-1, 2), len(mesh.vertices))))


def test_a_mesh_of_no_more_triangles_stays_what_it_is():
    assert decimated(FINE, len(FINE.faces)) is FINE
    assert decimated_mesh(FINE.mesh, len(FINE.faces)) is FINE.mesh


def test_it_has_as_many_triangles_as_it_may(coarse: ColouredMesh):
    assert 0.6 * MOST < len(coarse.faces) <= MOST
    assert len(np.unique(coarse.faces)) == len(coarse.vertices)
    corners = np.sort(coarse.faces, axis=1)
    assert (np.diff(corners, axis=1) > 0).all()


def test_the_surface_stays_where_it_is(coarse: ColouredMesh):
    """Sides are about 4 mm long with so few triangles, and chords of bends lie inside them."""
    there, back = off(FINE, coarse.vertices.astype(float)), off(coarse, FINE.vertices.astype(float))
    assert np.mean(there) < 5e-5 and np.mean(back) < 2e-4
    assert np.quantile(there, 0.99) < 3e-4 and np.quantile(back, 0.99) < 1e-3


def test_its_triangles_are_of_even_size(coarse: ColouredMesh):
    corners = coarse.vertices[coarse.faces]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    assert np.quantile(sides, 0.99) < 3 * np.median(sides)


def test_colours_stay_where_they_are(coarse: ColouredMesh):
    corner = np.eye(3)[np.zeros(len(coarse.faces), int)]
    seen = colours_at(coarse.paint, np.arange(len(coarse.faces)), corner)
    expected = face_colours(coarse.vertices[coarse.faces[:, 0]].astype(float))
    assert np.abs(seen - expected).mean() < 0.01


def test_one_colour_stays_one_colour():
    plain = replace(FINE, paint=replace(FINE.paint, rgb=np.full_like(FINE.paint.rgb, 0.72)))
    assert np.allclose(decimated(plain, MOST).paint.rgb, 0.72)


def test_sheets_that_only_touch_stay_apart():
    """As lips do: within a cell, but not connected."""
    ball = trimesh.creation.icosphere(5)
    vertices, faces = np.asarray(ball.vertices), np.asarray(ball.faces)
    both = Mesh(
        torch.from_numpy(np.concatenate([vertices, 1.0001 * vertices])),
        torch.from_numpy(np.concatenate([faces, faces + len(vertices)])),
    )
    coarse = decimated_mesh(both, 2000)
    assert 1000 < len(coarse.faces) <= 2000
    assert parts(coarse) == parts(both) == 2
    assert len(open_edges(coarse.faces.numpy())) == 0


def test_scale_and_place_do_not_matter():
    moved = Mesh(FINE.mesh.vertices.double() * 1024, FINE.mesh.faces)
    one = decimated_mesh(Mesh(FINE.mesh.vertices.double(), FINE.mesh.faces), MOST)
    other = decimated_mesh(moved, MOST)
    assert torch.equal(one.faces, other.faces)
    assert torch.allclose(one.vertices * 1024, other.vertices)


def test_large_triangles_keep_their_texture():
    """A wall behind the head, of two triangles: the picture stays where it was on it."""
    wall = torch.tensor([[-1.0, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    picture = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    uv = (wall[faces][..., :2].numpy() + 1) / 2
    behind = Paint(np.ones((2, 3, 3)), uv, np.zeros(2, int), (picture,))
    scan = joined(FINE, ColouredMesh(Mesh(wall, faces), behind))
    coarse = decimated(scan, MOST)
    kept = np.flatnonzero(coarse.paint.texture == 0)
    assert len(kept) == 2
    weights = np.random.default_rng(1).dirichlet(np.ones(3), 100)
    for triangle in kept:
        places = weights @ coarse.vertices[coarse.faces[triangle]]
        seen = colours_at(coarse.paint, np.full(100, triangle), weights)
        assert np.allclose(seen, texture_at(picture, (places[:, :2] + 1) / 2), atol=1e-5)


def test_time_and_memory_are_linear():
    small, large = FINE, painted(subdivided(subdivided(subdivided(sealed_scan()))))

    def seconds(scan: ColouredMesh) -> float:
        begin = time.process_time()
        decimated(scan, len(scan.faces) // 5)
        return time.process_time() - begin

    def cost(scan: ColouredMesh) -> tuple[float, float]:
        spent = min(seconds(scan) for _ in range(3))
        tracemalloc.start()
        decimated(scan, len(scan.faces) // 5)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return spent, peak / len(scan.faces)

    (quick, few), (long, bytes_per_triangle) = cost(small), cost(large)
    assert long < 10 * quick  # of four times as many triangles; sixteen where it is quadratic
    assert bytes_per_triangle < 1.3 * few < 600


@pytest.mark.parametrize("vertices", [torch.zeros(3, 3), torch.eye(3) * torch.tensor([1e9, 0, 0])])
def test_triangles_without_area_go(vertices: torch.Tensor):
    mesh = Mesh(vertices, torch.tensor([[0, 1, 2]]).repeat(9, 1))
    assert len(decimated_mesh(mesh, 4).faces) <= 4
