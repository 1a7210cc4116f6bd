"""Cameras of a synthetic capture, the axes in which captures store them, and simulated tracking
errors on mesh, cameras and exposure."""

from collections.abc import Sequence

import numpy as np
import torch

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import Floats
from splat import Camera, look_at

DISTANCE = 1.05  # metres
ROWS = (4.0, 24.0, -14.0)  # elevations in degrees
WIDEST = (70.0, 56.0, 56.0)  # azimuths in degrees at the ends of each row
AIM = (0.0, -0.005, 0.0)  # metres: the middle of what the pictures show
EXTENT = (0.30, 0.345)  # metres across and up that every picture shows at least
JITTER_DEGREES, JITTER_METRES, ROLL_DEGREES = 1.5, 0.03, 1.0


def capture_cameras(count: int, width: int, height: int, seed: int) -> list[Camera]:
    """Cameras in three rows around the face, all aimed at it, none exactly where it should be."""
    rng = np.random.default_rng([seed, 1])
    focal = DISTANCE * min(width / EXTENT[0], height / EXTENT[1])
    cameras = []
    for azimuth, elevation in _directions(count):
        azimuth, elevation = rng.normal([azimuth, elevation], JITTER_DEGREES)
        distance = DISTANCE + rng.uniform(-1, 1) * JITTER_METRES
        eye = np.array(AIM) + distance * _towards(azimuth, elevation)
        roll = np.radians(rng.normal(0, ROLL_DEGREES))
        up = np.array([np.sin(roll), np.cos(roll), 0.0])
        cameras.append(
            look_at(
                torch.from_numpy(eye),
                torch.tensor(AIM),
                torch.from_numpy(up),
                focal=focal * distance / DISTANCE,
                width=width,
                height=height,
            )
        )
    return cameras


def held_out_cameras(count: int) -> list[int]:
    """Which cameras are for validation: one in eight, in the midst of the others."""
    held = max(1, count // 8) if count > 2 else 0
    return [int((k + 0.5) * count / held) for k in range(held)]


def _directions(count: int) -> list[tuple[float, float]]:
    """Azimuth and elevation of each camera: the first row takes what the others leave."""
    others = count // 3 if count > 2 else 0
    rows = (count - 2 * others, others, others)
    return [
        (float(azimuth), elevation)
        for row, elevation, widest in zip(rows, ROWS, WIDEST, strict=True)
        for azimuth in (np.linspace(-widest, widest, row) if row > 1 else [0.0] * row)
    ]


def _towards(azimuth: float, elevation: float) -> Floats:
    """Unit vector [3] from the head to a camera."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


WAVES, WAVELENGTH = 16, (0.05, 0.16)  # metres
WHITE_SHARE = 0.15  # of the error's variance that is white


def tracking_errors(rest: Floats, timestep: int, root_mean_square: float, seed: int) -> Floats:
    """Offsets [V, 3] in metres of one timestep: plane waves over the resting face, and white noise.

    root_mean_square: expected length of an offset in metres.
    """
    rng = np.random.default_rng([seed, 4, timestep])
    deviation = root_mean_square / np.sqrt(3)
    directions = rng.normal(size=(WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = directions * (2 * np.pi / rng.uniform(*WAVELENGTH, (WAVES, 1)))
    phases = rng.uniform(0, 2 * np.pi, (WAVES, 3))
    heights = rng.normal(size=(WAVES, 3)) * np.sqrt(2 / WAVES)
    smooth = np.zeros_like(rest, dtype=float)
    for wave, phase, height in zip(waves, phases, heights, strict=True):
        smooth += height * np.cos((rest @ wave)[:, None] + phase)
    white = rng.normal(size=rest.shape)
    return deviation * (np.sqrt(1 - WHITE_SHARE) * smooth + np.sqrt(WHITE_SHARE) * white)


def shaken_cameras(
    cameras: Sequence[Camera], degrees: float, metres: float, seed: int
) -> list[Camera]:
    """The cameras as a calibration with errors has them: turned and moved a little."""
    rng = np.random.default_rng([seed, 5])
    shaken = []
    for camera in cameras:
        turn = axis_angle_to_matrix(torch.from_numpy(rng.normal(size=3) * np.radians(degrees)))
        shift = torch.from_numpy(rng.normal(size=3) * metres)
        viewmat = camera.viewmat.double()
        rotation = turn @ viewmat[:3, :3]
        centre = -viewmat[:3, :3].T @ viewmat[:3, 3] + shift
        moved = viewmat.clone()
        moved[:3, :3], moved[:3, 3] = rotation, -rotation @ centre
        shaken.append(Camera(moved.float(), camera.K, camera.width, camera.height))
    return shaken


def exposures(count: int, deviation: float, seed: int) -> Floats:
    """Gains [C, 3] of the cameras' colours; `deviation` is that of their logarithm."""
    rng = np.random.default_rng([seed, 6])
    return np.exp(deviation * rng.normal(size=(count, 3)))
