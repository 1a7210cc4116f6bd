"""Daylight on a mesh without colours."""

import numpy as np
import trimesh
from coloured_scans import painted
from head_meshes import HEAD, sealed_scan

from avatar.geometry.coloured import ColouredMesh, Paint, plain_paint, to_linear, to_srgb
from avatar.geometry.vectors import Floats
from avatar.retarget.scan_surface import BOUNCED, KEY, daylight, is_grey, is_plain, shaded


def ball(radius: float = 0.1) -> tuple[Floats, np.ndarray]:
    sphere = trimesh.creation.icosphere(4, radius)
    return np.array(sphere.vertices), np.array(sphere.faces)


def test_a_ball_is_brightest_towards_the_lamp_and_darker_the_farther_around():
    vertices, faces = ball()
    light = daylight(vertices, faces)
    towards = vertices @ KEY / 0.1
    assert abs(light[towards.argmax()] - 1) < 0.05 and light.min() > BOUNCED
    rings = [light[np.abs(towards - cosine) < 0.05].mean() for cosine in np.linspace(1, -0.8, 8)]
    assert (np.diff(rings) < 0).all()
    assert light[vertices[:, 1].argmax()] > 2 * light[vertices[:, 1].argmin()]


def test_light_does_not_depend_on_size_place_or_other_meshing():
    vertices, faces = ball()
    light = daylight(vertices, faces)
    assert np.allclose(daylight(7 * vertices + [1, 2, 3.0], faces), light, atol=0.02)
    finer = trimesh.Trimesh(vertices, faces).subdivide()
    assert np.allclose(
        daylight(np.array(finer.vertices), finer.faces)[: len(light)], light, atol=0.05
    )


def test_a_roof_keeps_light_off():
    """The floor of a room is dark under the roof and light outside."""
    floor = trimesh.creation.box((1.0, 0.02, 1.0)).subdivide_to_size(0.05)
    roof = trimesh.creation.box((0.5, 0.02, 0.5)).apply_translation((0, 0.1, 0))
    whole = trimesh.util.concatenate([floor, roof])
    vertices, faces = np.array(whole.vertices), np.array(whole.faces)  # type: ignore[union-attr]
    light = daylight(vertices, faces)
    on_floor = np.abs(vertices[:, 1] - 0.01) < 1e-6
    under = on_floor & (np.abs(vertices[:, [0, 2]]).max(1) < 0.1)
    outside = on_floor & (vertices[:, 2] > 0.4)
    assert light[under].max() < 0.4 * light[outside].min()


def test_a_face_is_light_on_the_forehead_and_dark_under_the_chin_and_beside_the_nose():
    mesh = sealed_scan().mesh
    light = daylight(mesh.vertices.double().numpy(), mesh.faces.numpy())
    x, y, z = mesh.vertices.numpy().T

    def mean(where: np.ndarray) -> float:
        assert where.sum() > 5
        return float(light[where].mean())

    forehead = mean((y > 0.06) & (z > 0.07))
    assert mean((y < -0.09) & (z > 0.03) & (np.abs(x) < 0.03)) < 0.4 * forehead
    socket, cheek = (y > 0.018) & (y < 0.03), (y > -0.03) & (y < -0.01)
    inner = (np.abs(x) > 0.012) & (np.abs(x) < 0.02) & (z > 0.07)
    assert mean(socket & inner) < 0.85 * mean(cheek & (np.abs(x) > 0.03) & (z > 0.06))


def test_only_meshes_without_a_picture_are_plain():
    faces = HEAD.faces[:900].numpy()
    grey = plain_paint(np.full((len(faces), 3, 3), 0.5))
    assert is_plain(grey) and is_grey(grey)
    materials = np.linspace(0, 1, 5)[np.arange(len(faces)) % 5]
    assert is_plain(plain_paint(np.tile(materials[:, None, None], (1, 3, 3))))
    assert not is_grey(plain_paint(np.tile([0.8, 0.6, 0.5], (len(faces), 3, 1))))
    assert not is_plain(painted(sealed_scan()).paint)
    picture = np.zeros((2, 2, 3), np.uint8)
    assert not is_plain(Paint(grey.rgb, grey.uv, np.zeros(len(faces), int), (picture,)))


def test_light_multiplies_colours_in_linear_light():
    mesh = sealed_scan().mesh
    colour = np.array([0.8, 0.5, 0.3])
    scan = ColouredMesh(mesh, plain_paint(np.tile(colour, (len(mesh.faces), 3, 1))))
    light = to_linear(shaded(scan).paint.rgb) / to_linear(colour)
    assert np.allclose(light, light[..., :1], rtol=1e-6)
    assert np.allclose(to_srgb(to_linear(np.linspace(0, 1, 99))), np.linspace(0, 1, 99))
