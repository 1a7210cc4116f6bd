"""Camera and light of a rendered mouth."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.heads import Head
from avatar.lighting.environment import towards
from splat import Camera, orbit

SIZE = 88
"""Pixels on each side of a crop."""
DISTANCE = 1.2  # metres: the perspective of a portrait lens
BELOW = 0.003  # metres under the resting mouth at which the crop is centred: jaws open downwards


@dataclass(frozen=True)
class MouthView:
    azimuth: float = 0.0
    """degrees around the mouth; positive turns to the subject's left"""
    elevation: float = 0.0
    """degrees above the mouth"""
    mouth: float = 0.55
    """width of the resting mouth as a share of the crop's"""
    shift: tuple[float, float] = (0.0, 0.0)
    """shares of the crop by which the mouth is moved right and down"""
    light: tuple[float, float] = (10.0, 40.0)
    """azimuth and elevation in degrees from which the light comes"""
    ambient: float = 0.5
    """share of the light that comes from everywhere"""
    exposure: float = 1.0
    """factor on all brightness"""


FRONT = MouthView()


def random_view(rng: np.random.Generator) -> MouthView:
    """A view as recordings of people vary: within 20° of the front, other sizes, other light."""
    return MouthView(
        azimuth=float(rng.uniform(-20, 20)),
        elevation=float(rng.uniform(-8, 8)),
        mouth=float(rng.uniform(0.47, 0.62)),
        shift=(float(rng.uniform(-0.04, 0.04)), float(rng.uniform(-0.04, 0.04))),
        light=(float(rng.uniform(-50, 50)), float(rng.uniform(10, 60))),
        ambient=float(rng.uniform(0.35, 0.7)),
        exposure=float(rng.uniform(0.7, 1.2)),
    )


def mouth_camera(head: Head, view: MouthView) -> Camera:
    """A square camera of `SIZE` pixels that looks at the head's resting mouth."""
    lips = head.vertices[head.regions["lips"]]
    inner = head.vertices[head.regions["lip_inner_upper"]]
    target = inner.mean(0)
    target[1] -= BELOW
    across = float(lips[:, 0].max() - lips[:, 0].min()) / view.mouth  # metres that the crop shows
    fov = math.degrees(2 * math.atan(across / 2 / DISTANCE))
    camera = orbit(target, DISTANCE, view.azimuth, view.elevation, fov, SIZE, SIZE)
    K = camera.K.clone()
    K[:2, 2] += SIZE * torch.tensor(view.shift)
    return Camera(camera.viewmat, K, SIZE, SIZE)


def light_direction(view: MouthView) -> Tensor:
    """Unit vector [3] towards the light, in head space."""
    return torch.from_numpy(towards(*view.light)).float()
