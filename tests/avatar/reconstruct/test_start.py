from pathlib import Path

import numpy as np
import pytest
import torch
from captures import ring, tetrahedron
from reference_raster import sh_to_color
from tensor_sizes import LargestTensor

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import project, towards
from avatar.reconstruct.bound_gaussians import BoundGaussians
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.head_seeds import face_colours, first_gaussians
from avatar.reconstruct.visual_hull import (
    calmest_timestep,
    distances,
    first_hits,
    first_per_cell,
    seeded,
    sight_lines,
    thinned,
    visual_hull,
)
from avatar.rigging.binding import triangle_frames
from splat import Camera, render

CAMERAS = ring(8, (64, 64))


def view(camera: Camera, timestep: int = 0) -> View:
    return View(camera, Path("none.png"), None, timestep, "0")


def capture(mesh: Mesh, timesteps: int = 1) -> Capture:
    steps = 0.01 * torch.arange(timesteps)[:, None, None]
    return Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices + steps, {})


def ball(centre: torch.Tensor, radius: float, camera: Camera, colour: int = 200) -> Picture:
    """A sphere as a disc, about."""
    middle, _ = project(camera, centre[None])
    distance = float((camera.viewmat @ torch.cat([centre, torch.ones(1)]))[2])
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    reach = radius * float(camera.K[0, 0]) / distance
    inside = np.hypot(x - float(middle[0, 0]), y - float(middle[0, 1])) < reach
    mask = np.where(inside, 255, 0).astype(np.uint8)
    return Picture(np.repeat(np.where(inside, colour, 0)[..., None], 3, 2).astype(np.uint8), mask)


def test_every_triangle_has_one_gaussian_in_its_colour():
    mesh = tetrahedron()
    colours = torch.rand(4, 3)
    bound = first_gaussians(capture(mesh), colours, 2)
    assert bound.binding.tolist() == [0, 1, 2, 3]
    assert bound.parts["sh_rest"].shape == (4, 8, 3)
    seen = sh_to_color(bound.parts["sh_dc"].detach(), torch.rand(4, 3))
    assert torch.allclose(seen, colours, atol=1e-6)


def test_triangles_get_the_colour_that_the_pictures_show():
    mesh = tetrahedron()
    camera = CAMERAS[3]
    full = np.full((64, 64), 255, np.uint8)
    picture = Picture(np.full((64, 64, 3), 51, np.uint8), full)
    colours = face_colours(capture(mesh), [(view(camera), picture)])
    frames = triangle_frames(mesh.vertices, mesh.faces)
    facing = (frames.R_world_tri[..., 1] * towards(camera, frames.origins_world)).sum(1) > 0.2
    assert facing.any() and not facing.all()
    assert torch.allclose(colours[facing], torch.tensor(0.2), atol=1e-5)
    assert torch.allclose(colours[~facing], torch.tensor(0.2), atol=1e-5)  # of those next to them


def test_projection_is_where_the_rasterizer_draws():
    mesh = tetrahedron()
    bound = first_gaussians(capture(mesh), torch.ones(4, 3), 0)
    point = torch.tensor([[0.05, 0.03, 0.02]])
    from avatar.reconstruct.visual_hull import opaque  # noqa: PLC0415

    drawn = opaque(bound, mesh.vertices, mesh.faces)
    dot = type(drawn)(
        means=point,
        quats=drawn.quats[:1],
        scales=torch.full((1, 3), 1e-4),
        opacities=torch.ones(1),
        sh=drawn.sh[:1],
    )
    alpha = render(dot, CAMERAS[1]).alpha
    y, x = np.mgrid[:64, :64] + 0.5
    weights = (alpha / alpha.sum()).numpy()
    centre = [float((weights * x).sum()), float((weights * y).sum())]
    assert centre == pytest.approx(project(CAMERAS[1], point)[0][0].tolist(), abs=0.1)


def test_a_sight_line_meets_the_pixel_it_comes_from():
    rows, columns = torch.tensor([3, 60]), torch.tensor([10, 0])
    eye, rays = sight_lines(CAMERAS[2], rows, columns)
    pixels, _ = project(CAMERAS[2], eye + 0.7 * rays)
    assert torch.allclose(pixels, torch.stack([columns + 0.5, rows + 0.5], -1), atol=1e-3)


def test_the_hull_of_a_ball_holds_it_and_little_more():
    centre = torch.tensor([0.02, 0.0, 0.01])
    seen = [(view(camera), ball(centre, 0.08, camera)) for camera in CAMERAS]
    block = visual_hull(tetrahedron().vertices, seen)
    ticks = (torch.arange(len(block.full)) + 0.5) * block.edge
    points = torch.cartesian_prod(ticks, ticks, ticks) + block.low
    distance = (points - centre).norm(dim=1).view(block.full.shape)
    assert block.full[distance < 0.075].all()
    volume = int(block.full.sum()) * block.edge**3
    assert volume < 2 * 4 / 3 * np.pi * 0.08**3
    eye, rays = sight_lines(CAMERAS[0], *project(CAMERAS[0], centre[None])[0].long().flip(1).T)
    points, hit = first_hits(block, eye, rays)
    assert hit.all()
    assert float((points[0] - centre).norm()) == pytest.approx(0.08, abs=0.04)


def at_rest(taken: Capture) -> Mesh:
    return Mesh(taken.rest, taken.faces)


def on_triangles(taken: Capture) -> BoundGaussians:
    return first_gaussians(taken, torch.rand(4, 3), 1)


def test_seeds_fill_what_the_mesh_leaves_open_and_no_more_than_allowed():
    small = Mesh(0.2 * tetrahedron().vertices, tetrahedron().faces)
    taken = capture(Mesh(tetrahedron().vertices, small.faces))
    tiny = Capture("mesh", small.vertices, small.faces, small.vertices[None], {})
    near = ring(8, (64, 64), 0.4)
    seen = [(view(c), ball(torch.zeros(3), 0.035, c)) for c in near]
    bound = seeded(Mesh(tiny.rest, tiny.faces), on_triangles(tiny), seen, 50)
    assert 10 < len(bound) - 4 <= 50
    colours = sh_to_color(bound.parts["sh_dc"][4:], torch.rand(len(bound) - 4, 3))
    assert torch.allclose(colours, torch.tensor(200 / 255), atol=1e-2)
    covered = [(view(c), ball(torch.zeros(3), 0.005, c)) for c in CAMERAS]
    assert (
        len(
            seeded(
                Mesh(taken.rest, taken.faces),
                on_triangles(taken),
                covered,
                50,
            )
        )
        == 4
    )


def test_the_hull_is_met_in_little_memory():
    """Whatever the pictures' size: a ray needs some 200 steps, all rays at once would need GB."""
    centre = torch.zeros(3)
    block = visual_hull(tetrahedron().vertices, [(view(c), ball(centre, 0.08, c)) for c in CAMERAS])
    rows, columns = torch.cartesian_prod(torch.arange(64), torch.arange(64)).unbind(1)
    eye, rays = sight_lines(CAMERAS[0], rows.repeat(10), columns.repeat(10))
    with LargestTensor() as largest:
        points, hit = first_hits(block, eye, rays)
    assert largest.bytes < 2**25
    again = first_hits(block, eye, rays[: 64 * 64])
    assert torch.equal(points, again[0].repeat(10, 1)) and torch.equal(hit, again[1].repeat(10))


def test_distances_to_the_mesh_are_measured_once_per_voxel(monkeypatch: pytest.MonkeyPatch):
    small = Mesh(0.2 * tetrahedron().vertices, tetrahedron().faces)
    tiny = capture(small)
    seen = [(view(c), ball(torch.zeros(3), 0.035, c)) for c in ring(8, (256, 256), 0.4)]
    block = visual_hull(small.vertices, seen)
    measured = []

    def spy(points: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        measured.append(points)
        return distances(points, vertices)

    monkeypatch.setattr("avatar.reconstruct.visual_hull.distances", spy)
    seeded(at_rest(tiny), on_triangles(tiny), seen, 50)
    (points,) = measured
    voxels = ((points - block.low) / block.edge).floor()
    assert 50 < len(points) == len(voxels.unique(dim=0))


def test_no_room_means_no_seeds():
    tiny = capture(Mesh(0.2 * tetrahedron().vertices, tetrahedron().faces))
    seen = [(view(c), ball(torch.zeros(3), 0.035, c)) for c in ring(8, (64, 64), 0.4)]
    assert len(seeded(at_rest(tiny), on_triangles(tiny), seen, 0)) == 4


@pytest.mark.parametrize("most", [1, 3])
def test_thinning_around_the_origin_ends_at_a_spacing_of_the_points_own_size(most: int):
    points = torch.rand(500, 3) - 0.5
    kept, spacing = thinned(points, points.amin(0), 1e-3, most)
    assert 1 <= len(kept) <= most and spacing < 2


def test_thinning_keeps_points_apart():
    points = torch.rand(500, 3)
    kept, spacing = thinned(points, torch.zeros(3), 1e-3, 40)
    assert 20 < len(kept) <= 40
    assert len(torch.unique((points[kept] / spacing).floor(), dim=0)) == len(kept)


def test_the_first_of_each_cell_is_what_a_plain_loop_finds():
    points, low = torch.randn(300, 3), torch.tensor([-5.0, -6.0, -7.0])
    owner: dict[tuple[int, ...], int] = {}
    for i, point in enumerate(points):
        owner.setdefault(tuple(((point - low) / 0.7).floor().int().tolist()), i)
    assert first_per_cell(points, low, 0.7).sort().values.tolist() == sorted(owner.values())


def test_the_calmest_timestep_is_nearest_to_rest():
    mesh = tetrahedron()
    taken = capture(mesh, timesteps=3)
    assert calmest_timestep(taken, [view(CAMERAS[0], 2), view(CAMERAS[0], 1)]) == 1
