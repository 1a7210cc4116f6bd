"""Cameras of a synthetic capture."""

import numpy as np
import torch

from avatar.lighting.environment import towards
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
        eye = np.array(AIM) + distance * towards(azimuth, elevation)
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
