"""Gaussians on a surface look like the surface."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from coloured_scans import painted, picture_of
from head_meshes import sealed_scan
from scipy.ndimage import binary_erosion

from avatar.geometry.coloured import ColouredMesh
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.retarget.scan_surface import COARSEST, cover, halved
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import Camera, orbit, render

HEAD = load_head()


def covered(scan: ColouredMesh, stretch: float = 1.0) -> Avatar:
    made = cover(scan, np.arange(len(scan.faces)), np.full(len(scan.faces), stretch))
    mesh = (scan.mesh.vertices, scan.mesh.faces)
    return Avatar(made.gaussians, made.binding, *mesh, "mesh", HEAD.vertices)


def drawn(avatar: Avatar, vertices: torch.Tensor, camera: Camera) -> tuple[Floats, Floats]:
    """Picture on black and alpha."""
    with torch.no_grad():
        picture = render(avatar_rig(avatar, torch.device("cpu"))(vertices), camera)
    return picture.color.numpy(), picture.alpha.numpy()


def view(azimuth: float, size: int = 256) -> Camera:
    return orbit(torch.tensor([0.0, 0.02, 0.0]), 1.2, azimuth, 0.0, 16.0, size, size)


def inside(alpha: Floats, pixels: int) -> np.ndarray:
    return eroded(alpha > 0.999, pixels)


def eroded(mask: np.ndarray, pixels: int) -> np.ndarray:
    return np.asarray(binary_erosion(mask, iterations=pixels))


@pytest.mark.parametrize("azimuth", [0.0, 40.0, -75.0])
def test_a_picture_is_that_of_the_coloured_mesh(azimuth: float):
    scan = painted(sealed_scan())
    expected, shown = picture_of(scan, view(azimuth))
    colour, alpha = drawn(covered(scan), scan.mesh.vertices, view(azimuth))
    core = inside(shown, 3)
    error = ((colour - expected)[core] ** 2).mean()
    assert -10 * np.log10(error) > 33
    assert alpha[core].min() > 0.97
    assert alpha[~eroded(shown < 0.001, 4) & (shown < 0.001)].mean() < 0.4
    assert alpha[eroded(shown < 0.001, 4)].max() < 0.1


def test_nothing_of_the_far_side_shines_through():
    """The back of the head is painted green; from the front no green is seen."""
    scan = painted(sealed_scan())
    behind = scan.vertices[scan.faces][:, :, 2].max(1) < 0
    rgb = np.where(behind[:, None, None], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    scan = ColouredMesh(scan.mesh, replace(scan.paint, rgb=rgb))
    expected, shown = picture_of(scan, view(0.0, 512))
    colour, _ = drawn(covered(scan), scan.mesh.vertices, view(0.0, 512))
    red = eroded((shown > 0.999) & (expected[..., 1] == 0), 4)
    assert red.mean() > 0.15
    assert np.quantile(colour[red][:, 1], 0.99) < 0.02 and colour[red][:, 1].max() < 0.1


def test_a_stretched_surface_stays_closed():
    scan = painted(sealed_scan())
    longer = scan.mesh.vertices * torch.tensor([1.0, 3.0, 1.0])
    stretched = ColouredMesh(Mesh(longer, scan.mesh.faces), scan.paint)
    camera = orbit(torch.tensor([0.0, -0.06, 0.0]), 1.2, 0.0, 0.0, 10.0, 256, 256)
    core = inside(picture_of(stretched, camera)[1], 4)
    _, plain = drawn(covered(scan), longer, camera)
    _, wide = drawn(covered(scan, 3.0), longer, camera)
    assert wide[core].min() > 0.95
    assert (1 - wide[core]).mean() < 0.5 * (1 - plain[core]).mean()


def test_pieces_tile_their_triangles():
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(20, 3, 3)) * [0.02, 0.002, 0.002]  # needles among them
    limit = np.full(20, 0.003)
    pieces = halved(corners, np.arange(20), limit)
    places = pieces.weights @ corners[pieces.owners]
    edges = np.linalg.norm(places - np.roll(places, 1, axis=1), axis=-1)
    assert edges.max() <= 0.003

    def area(triangles: Floats) -> Floats:
        one, other = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
        return np.linalg.norm(np.cross(one, other), axis=1) / 2

    assert np.allclose(np.bincount(pieces.owners, area(places)), area(corners))
    assert np.allclose(pieces.weights.sum(-1), 1) and (pieces.weights >= 0).all()


def test_plain_colours_take_fewer_gaussians_than_detail():
    scan = painted(sealed_scan())
    plain = ColouredMesh(scan.mesh, replace(scan.paint, rgb=np.full_like(scan.paint.rgb, 0.5)))
    noise = np.random.default_rng(0).random(scan.paint.rgb.shape)
    busy = ColouredMesh(scan.mesh, replace(scan.paint, rgb=noise))
    few, many = covered(plain), covered(busy)
    assert len(few.binding) < 0.5 * len(many.binding)
    used = torch.bincount(few.binding, minlength=len(scan.faces))
    corners = scan.mesh.vertices[scan.mesh.faces]
    longest = (corners - corners.roll(1, 1)).norm(dim=2).amax(1)
    large = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (used[(longest < COARSEST) & (large.norm(dim=1) > 1e-9)] == 1).all()
