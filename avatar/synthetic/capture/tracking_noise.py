"""Errors of tracking: on the mesh, on the cameras, on their exposure."""

from collections.abc import Sequence

import numpy as np
import torch

from avatar.mesh.rotations import axis_angle_to_matrix
from avatar.mesh.vectors import Floats
from splat import Camera

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
