import numpy as np
import pytest
import torch

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import sphere_directions
from avatar.lighting.environment import (
    Lobe,
    environment,
    irradiance,
    lamps,
    pixel_directions,
    rotated,
    solid_angles,
    towards,
    turn,
)
from avatar.lighting.occlusion import DIRECTIONS, into_bins, triangles


@pytest.mark.parametrize("size", [(64, 128), (100, 200), (37, 91), (8, 16)])
def test_a_picture_of_any_size_keeps_its_energy_and_where_it_comes_from(size: tuple[int, int]):
    rng = np.random.default_rng(1)
    radiance = rng.random((*size, 3)) ** 8
    light = environment(radiance)
    energy = radiance * solid_angles(*size)[..., None]
    assert np.allclose(light.energy.sum(0), energy.sum((0, 1)))
    moment = (energy.mean(-1)[..., None] * pixel_directions(*size)).sum((0, 1))
    found = (light.energy.mean(-1)[:, None] * light.directions).sum(0)
    assert np.linalg.norm(found - moment) < 0.02 * energy.sum((0, 1)).mean()


def test_a_turned_light_falls_on_turned_surfaces_alike():
    light = lamps([Lobe(40, 20, 1, 9), Lobe(-90, -10, 0.5, 3, (1, 0.5, 0.2))])
    R = axis_angle_to_matrix(torch.tensor([0.3, -0.8, 0.2])).double().numpy()
    normals = sphere_directions(60)
    turned = rotated(light, R)
    assert np.allclose(irradiance(turned, normals @ R.T), irradiance(light, normals), atol=1e-9)
    sky = turned.radiance * solid_angles(*turned.radiance.shape[:2])[..., None]
    assert np.allclose(sky.sum((0, 1)), light.energy.sum(0), rtol=0.02)
    place = np.unravel_index(turned.radiance.sum(2).argmax(), (64, 128))
    brightest = pixel_directions(64, 128)[place]
    assert brightest @ (R @ towards(40, 20)) > 0.995


def test_white_from_everywhere_shows_white():
    everywhere = irradiance(lamps([Lobe(0, 0, 1, 0)]), sphere_directions(100))
    assert np.abs(everywhere - 1).max() < 0.01


def test_the_left_of_a_picture_lies_to_the_subjects_left():
    radiance = np.zeros((64, 128, 3))
    radiance[32, 32] = 1.0
    light = environment(radiance)
    direction = light.directions[light.energy.sum(1).argmax()]
    assert direction[0] > 0.99 and np.allclose(direction, towards(90, 0), atol=0.05)
    assert np.allclose(turn(30) @ towards(10, 20), towards(40, 20))


def test_cells_take_all_light_and_turn_smoothly_with_it():
    light = lamps([Lobe(20, 10, 1, 200)])
    assert np.allclose(into_bins(light.directions, light.energy).energy.sum(0), light.energy.sum(0))
    normal = towards(50, 20)
    fallen = []
    for degrees in np.arange(0, 20, 0.25):
        cells = into_bins(light.directions @ turn(degrees).T, light.energy)
        fallen.append((np.maximum(cells.towards @ normal, 0) @ cells.energy)[0] / np.pi)
    exact = [irradiance(light, (turn(-d) @ normal)[None])[0, 0] for d in np.arange(0, 20, 0.25)]
    assert np.abs(np.diff(fallen)).max() < 0.01
    assert np.abs(np.array(fallen) - exact).max() < 0.002


def test_each_direction_lies_in_the_triangle_that_holds_it():
    places = sphere_directions(500)
    known = triangles()
    cells = into_bins(places, np.ones((500, 3))).energy
    expected = np.zeros(len(DIRECTIONS))
    for place in places:
        shares = known.to_shares @ place.astype(np.float32)  # [T, 3]
        best = shares.min(1).argmax()
        expected[known.corners[best]] += shares[best].clip(0) / shares[best].clip(0).sum()
    assert np.allclose(cells[:, 0], expected, atol=1e-3)
