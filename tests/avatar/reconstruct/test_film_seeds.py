"""Initial Gaussians from one camera: hair by the head's turns, the torso as a depth map."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from captures import tetrahedron

from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import project
from avatar.heads import load_head
from avatar.reconstruct.bound_gaussians import raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.film_seeds import (
    film_seeded,
    head_poses,
    hidden_by,
    most_turned,
    one_camera,
)
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.torso import (
    StaticTorso,
    static_pixels,
    static_triangles,
    torso_depths,
    torso_points,
)
from avatar.rigging.avatar import pose
from avatar.rigging.binding import to_world, triangle_frames
from splat import Camera, activate, look_at
from splat.scene.spherical_harmonics import sh_to_color

SIZE = 96
YAWS = torch.linspace(-0.6, 0.6, 9)
BUN, RADIUS = torch.tensor([0.07, 0.065, 0.045]), 0.02  # of hair, in head space
HAIR, CLOTH, SKIN = (40, 30, 20), (200, 40, 40), (230, 180, 150)


def camera(across: float = 0.0) -> Camera:
    eye, target = torch.tensor([across, 0.0, 0.6]), torch.zeros(3)
    up = torch.tensor([0.0, 1.0, 0.0])
    return look_at(eye, target, up, focal=1.3 * SIZE, width=SIZE, height=SIZE)


def turns() -> torch.Tensor:
    angles = torch.stack([torch.zeros(9), YAWS, torch.zeros(9)], 1)
    return turn_about(axis_angle_to_matrix(angles), torch.tensor([0.0, -0.02, 0.0]))


def disc(middle: torch.Tensor, radius: float) -> np.ndarray:
    """Pixels of a ball in the world."""
    pixels, depth = project(camera(), middle[None])
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    reach = radius * float(camera().K[0, 0]) / float(depth)
    return np.hypot(x - float(pixels[0, 0]), y - float(pixels[0, 1])) < reach


def clothes() -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    return (y > 70) & (abs(x - SIZE / 2) < 30)


@pytest.fixture
def film(tmp_path: Path) -> Capture:
    """A tetrahedron with a bun turns above still clothes."""
    small = Mesh(0.5 * tetrahedron().vertices, tetrahedron().faces)
    vertices = small.vertices @ turns()[:, :3, :3].mT + turns()[:, None, :3, 3]
    views = []
    for row, motion in enumerate(turns()):
        labels, colour = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE, 3), np.uint8)
        skin, bun = disc(motion[:3, 3], 0.02), disc(motion[:3, :3] @ BUN + motion[:3, 3], RADIUS)
        for pixels, label, tint in ((clothes(), 0, CLOTH), (skin, 1, SKIN), (bun, 2, HAIR)):
            labels[pixels], colour[pixels] = label, tint
        mask = np.where(clothes() | skin | bun, 255, 0).astype(np.uint8)
        paths = [tmp_path / f"{row}_{kind}.png" for kind in ("image", "mask", "labels")]
        for path, picture in zip(paths, (colour, mask, labels), strict=True):
            imageio.imwrite(path, picture)
        views.append(View(camera(), paths[0], paths[1], row, "0", paths[2]))
    return Capture("mesh", small.vertices, small.faces, vertices, {"train": tuple(views)})


def test_hair_starts_where_it_grows_and_clothes_where_they_hang(film: Capture):
    views = film.splits["train"]
    bound = first_gaussians(film, torch.rand(4, 3), 0)
    grown = film_seeded(replace(film), None, bound, views, 200)
    assert grown.degree == 0
    frames = triangle_frames(film.rest, film.faces)
    world = to_world(activate(raw_of(grown)), grown.binding, frames)
    colours = sh_to_color(grown.parts["sh_dc"], torch.zeros(len(grown), 3)) * 255
    hair = (colours - torch.tensor(HAIR)).abs().amax(1) < 5
    cloth = (colours - torch.tensor(CLOTH)).abs().amax(1) < 5
    assert int(hair.sum()) > 10 and 50 < int(cloth.sum()) <= 200
    assert float((world.means[hair] - BUN).norm(dim=1).median()) < 1.3 * RADIUS
    assert len(film_seeded(film, None, bound, views, 0)) == 4
    unlabelled = [replace(view, labels=None) for view in views]
    assert len(film_seeded(film, None, bound, unlabelled, 200)) == 4


def test_a_camera_that_moves_shows_nothing_that_stands_still(film: Capture):
    views = film.splits["train"]
    moving = [*views[:-1], replace(views[-1], camera=camera(0.01))]
    bound = first_gaussians(film, torch.rand(4, 3), 0)
    grown = film_seeded(film, None, bound, moving, 200)
    colours = sh_to_color(grown.parts["sh_dc"][4:], torch.zeros(len(grown) - 4, 3)) * 255
    assert not ((colours - torch.tensor(CLOTH)).abs().amax(1) < 5).any()


def test_one_camera_is_told_by_its_name(film: Capture):
    views = film.splits["train"]
    assert one_camera(views)
    assert not one_camera([*views, replace(views[0], camera_id="1")])


def test_the_heads_motion_is_that_of_the_scalp():
    head, motions = load_head(), turns()
    jaw = head.express({"jawOpen": 1.0})
    vertices = torch.stack([pose(head.vertices + jaw, head, motion) for motion in motions])
    capture = Capture("anny-head", head.vertices, head.faces, vertices, {})
    assert torch.allclose(head_poses(capture, head), motions, atol=1e-4)
    rigid = head.vertices @ motions[:, :3, :3].mT + motions[:, None, :3, 3]
    assert torch.allclose(head_poses(replace(capture, vertices=rigid), None), motions, atol=1e-4)


def test_the_views_that_are_looked_at_are_turned_most(film: Capture):
    views = film.splits["train"]
    assert [view.timestep for view in most_turned(turns(), views, 3)] == [0, 4, 8]
    assert most_turned(turns(), views, 20) == list(views)


def test_what_is_often_there_stands_still():
    loose = torch.zeros(10, 2, 2, dtype=torch.bool)
    loose[:4, 0, 0] = loose[:2, 1, 1] = True
    assert static_pixels(loose).tolist() == [[True, False], [False, False]]


def test_the_necks_end_is_what_no_turn_moves():
    head = load_head()
    for known, most in ((head, 0.01), (None, 0.5)):
        rows = static_triangles(Mesh(head.vertices, head.faces), known)
        assert 20 < len(rows) < 0.02 * len(head.faces)
        assert float(head.pose_weights[head.faces[rows]].mean()) < most


def test_a_relief_is_round_where_it_is_thin_and_flatter_where_it_is_wide():
    pixels = torch.zeros(60, 200, dtype=torch.bool)
    pixels[:, 90:110] = True
    pixels[40:, 10:190] = True
    depths = torso_depths(pixels, middle=0.6, focal=300.0)
    metres = 0.6 / 300
    assert float(0.6 - depths[10, 100]) == pytest.approx(10 * metres, rel=0.06)
    assert torch.allclose(depths[10], depths[10].flip(0))
    assert float(depths[10, 90]) > float(depths[10, 99])
    assert 10 * metres < float(0.6 - depths[55, 100]) < 0.6 * 90 * metres


def test_points_of_the_relief_are_seen_where_they_were_and_have_median_colours():
    pixels = torch.from_numpy(clothes())
    pictures = []
    for level in (100, 110, 250):
        colour = np.where(clothes()[..., None], level, 0).repeat(3, -1).astype(np.uint8)
        pictures.append((Picture(colour, np.where(clothes(), 255, 0).astype(np.uint8)), pixels))
    neck = torch.tensor([[[0.0, -0.1, 0.0], [0.01, -0.1, 0.0], [0.0, -0.1, 0.01]]])
    points, colours, sizes = torso_points(camera(), StaticTorso(pixels, pictures), neck, 300)
    assert 150 < len(points) <= 300
    places = project(camera(), points)[0].long()
    assert pixels[places[:, 1], places[:, 0]].all()
    assert torch.allclose(colours, torch.tensor(110 / 255))
    assert 0.001 < float(sizes.min()) <= float(sizes.max()) < 0.02


def test_nothing_is_hidden_behind_what_the_picture_does_not_show():
    still = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    still[SIZE // 2 :] = True  # clothes, down to the picture's lower edge
    above, behind, below, beside = (0.0, 0.1, -0.1), (0.0, -0.1, -0.1), (0.0, -0.4, -0.1), (2, 0, 0)
    points = torch.tensor([above, behind, below, beside])
    assert torch.equal(hidden_by(camera(), still, points), points[1:2])
