"""The light behind the head: what a camera sees of it lies where its light comes from."""

import numpy as np
import torch

from avatar.geometry.vectors import Floats
from avatar.lighting.environment import EnvironmentRotation, Light, Lobe, lamps, towards
from avatar.lighting.relight import backdrop
from splat import Camera, look_at

AHEAD = np.eye(3)


def looking(azimuth: float, elevation: float) -> Camera:
    way = torch.from_numpy(towards(azimuth, elevation)).float()
    up = torch.tensor([0.0, 1.0, 0.0])
    return look_at(torch.zeros(3), way, up, fov_y_deg=50.0, width=64, height=48)


def seen(
    camera: Camera, course: EnvironmentRotation, ahead: Floats = AHEAD, azimuth: float = 170
) -> Floats:
    behind = backdrop(
        Light(lamps([Lobe(azimuth, 20, 1, 200)]), course, None), torch.from_numpy(ahead)
    )
    picture = behind(camera, 2.0)
    assert picture is not None and picture.shape == (48, 64, 3)
    return picture.numpy()


def brightest(picture: Floats) -> tuple[float, float]:
    weight = picture.mean(2) ** 8
    row = (weight.sum(1) * np.arange(48)).sum() / weight.sum()
    return float(row), float((weight.sum(0) * np.arange(64)).sum() / weight.sum())


def test_a_lamp_is_seen_where_it_stands():
    row, column = brightest(seen(looking(170, 20), EnvironmentRotation()))
    assert abs(row - 23.5) < 1.5 and abs(column - 31.5) < 1.5
    row, column = brightest(
        seen(looking(175, 15), EnvironmentRotation())
    )  # now to the left and above
    assert row < 22 and abs(column - 31.5) > 2
    assert seen(looking(-10, -20), EnvironmentRotation()).max() < 0.05


def test_it_turns_with_the_light_and_has_no_seam():
    turned = seen(looking(-130, 20), EnvironmentRotation(turn=20, spin=20))
    assert np.abs(turned - seen(looking(170, 20), EnvironmentRotation())).max() < 0.05
    elsewhere = seen(
        looking(170, 20), EnvironmentRotation(170), azimuth=0
    )  # not where the picture closes
    assert np.abs(turned - elsewhere).max() < 0.05
    here = np.diag([-1.0, 1, -1])
    assert (
        np.abs(
            seen(looking(-10, 20), EnvironmentRotation(), here)
            - seen(looking(170, 20), EnvironmentRotation())
        ).max()
        < 0.05
    )
