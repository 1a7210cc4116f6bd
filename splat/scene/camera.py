"""Pinhole cameras with OpenCV axes: x right, y down, z forward."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from common.errors import InputError


@dataclass(frozen=True)
class Camera:
    """One view. Pixel centres lie at +0.5."""

    viewmat: Tensor  # [4, 4] world to camera
    K: Tensor  # [3, 3] intrinsics in pixels
    width: int
    height: int


def look_at(
    eye: Tensor,
    target: Tensor,
    up: Tensor,
    *,
    fov_y_deg: float | None = None,
    focal: float | None = None,
    width: int,
    height: int,
) -> Camera:
    """Camera at `eye` [3] that sees `target` [3] in its centre, with `up` [3] upwards in the image.

    Give either the vertical field of view in degrees or the focal length in pixels. Raises
    InputError if eye and target coincide or `up` is parallel to the view.
    """
    forward = (target - eye).double()
    right = torch.linalg.cross(forward, up.double())
    if forward.norm() < 1e-12 or right.norm() < 1e-9 * forward.norm() * up.norm():
        raise InputError("a camera needs a target away from its eye and an up that is not its view")
    forward = forward / forward.norm()
    right = right / right.norm()
    viewmat = torch.eye(4, dtype=torch.float64)
    viewmat[:3, :3] = torch.stack([right, torch.linalg.cross(forward, right), forward])
    viewmat[:3, 3] = -viewmat[:3, :3] @ eye.double()
    return Camera(viewmat.float(), _intrinsics(fov_y_deg, focal, width, height), width, height)


def _intrinsics(
    fov_y_deg: float | None, focal: float | None, width: int, height: int
) -> Tensor:  # [3, 3]
    assert (fov_y_deg is None) != (focal is None), "give fov_y_deg or focal"
    if width < 1 or height < 1:
        raise InputError(f"an image of {width}x{height} pixels has no pixels")
    if focal is None:
        assert fov_y_deg is not None
        if not 0 < fov_y_deg < 180:
            raise InputError(f"a field of view of {fov_y_deg} degrees is not between 0 and 180")
        focal = height / (2 * math.tan(math.radians(fov_y_deg) / 2))
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def orbit(
    target: Tensor,
    distance: float,
    azimuth_deg: float,
    elevation_deg: float,
    fov_y_deg: float,
    width: int,
    height: int,
) -> Camera:
    """Camera on a sphere round `target` [3], in head space (+y up, +z out of the face).

    Azimuth 0 looks at the face; positive azimuth moves the camera to +x, positive elevation up.
    Straight from above or below, the face's +z side is at the bottom or top of the image.
    """
    if not distance > 0:
        raise InputError(f"a camera distance of {distance} m is not positive")
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    outward = torch.tensor([sin_a * cos_e, sin_e, cos_a * cos_e], dtype=torch.float64)
    up = torch.tensor([-sin_a * sin_e, cos_e, -cos_a * sin_e], dtype=torch.float64)
    eye = target.double() + distance * outward
    return look_at(eye, target.double(), up, fov_y_deg=fov_y_deg, width=width, height=height)
