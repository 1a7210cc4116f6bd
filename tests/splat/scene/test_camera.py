"""Cameras by what they see."""

import math

import pytest
import torch
from torch import Tensor

from splat import Camera, look_at, orbit

TARGET = torch.tensor([0.1, 0.2, -0.3])


def pixel(camera: Camera, point: Tensor) -> tuple[float, float, float]:
    """Pixel x, y and depth of a world point."""
    x, y, z = (camera.viewmat[:3, :3] @ point + camera.viewmat[:3, 3]).tolist()
    K = camera.K.tolist()
    return K[0][0] * x / z + K[0][2], K[1][1] * y / z + K[1][2], z


@pytest.mark.parametrize("azimuth", [-180, -75, 0, 30, 90, 400])
@pytest.mark.parametrize("elevation", [-90, -20, 0, 45, 90])
def test_orbit_looks_at_its_target_from_its_distance(azimuth: float, elevation: float) -> None:
    camera = orbit(TARGET, 1.5, azimuth, elevation, 20, 64, 48)
    assert pixel(camera, TARGET) == pytest.approx((32, 24, 1.5), abs=1e-4)
    R = camera.viewmat[:3, :3]
    torch.testing.assert_close(R @ R.T, torch.eye(3), atol=1e-6, rtol=0)
    assert torch.linalg.det(R) == pytest.approx(1, abs=1e-6)


def test_orbit_directions() -> None:
    """Frontal: +y up and +x right in the image; positive azimuth goes to +x, elevation up."""
    front = orbit(TARGET, 1.0, 0, 0, 20, 64, 64)
    x, y, _ = pixel(front, TARGET + torch.tensor([0.0, 0.05, 0.0]))
    assert x == pytest.approx(32, abs=1e-4) and y < 32
    x, y, _ = pixel(front, TARGET + torch.tensor([0.05, 0.0, 0.0]))
    assert x > 32 and y == pytest.approx(32, abs=1e-4)
    nose = TARGET + torch.tensor([0.0, 0.0, 0.1])
    assert pixel(front, nose)[2] == pytest.approx(0.9)
    assert pixel(orbit(TARGET, 1.0, 40, 0, 20, 64, 64), nose)[0] < 32
    assert pixel(orbit(TARGET, 1.0, 0, 40, 20, 64, 64), nose)[1] > 32
    side = torch.linalg.inv(orbit(TARGET, 2.0, 90, 0, 20, 64, 64).viewmat)[:3, 3]
    torch.testing.assert_close(side, TARGET + torch.tensor([2.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    above = torch.linalg.inv(orbit(TARGET, 2.0, 0, 90, 20, 64, 64).viewmat)[:3, 3]
    torch.testing.assert_close(above, TARGET + torch.tensor([0.0, 2.0, 0.0]), atol=1e-5, rtol=0)


def test_field_of_view_spans_the_height() -> None:
    camera = orbit(TARGET, 1.0, 0, 0, 30, 100, 80)
    top = TARGET + torch.tensor([0.0, math.tan(math.radians(15)), 0.0])
    assert pixel(camera, top)[1] == pytest.approx(0, abs=1e-3)


def test_focal_and_field_of_view_agree() -> None:
    eye, up = torch.tensor([0.3, 0.1, 2.0]), torch.tensor([0.0, 1.0, 0.0])
    by_focal = look_at(eye, TARGET, up, focal=100.0, width=64, height=48)
    degrees = math.degrees(2 * math.atan(24 / 100))
    by_angle = look_at(eye, TARGET, up, fov_y_deg=degrees, width=64, height=48)
    torch.testing.assert_close(by_focal.K, by_angle.K)
    torch.testing.assert_close(by_focal.viewmat, by_angle.viewmat)


def test_impossible_cameras_are_refused() -> None:
    up = torch.tensor([0.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="away from its eye"):
        look_at(TARGET, TARGET, up, focal=1.0, width=4, height=4)
    with pytest.raises(ValueError, match="up that is not its view"):
        look_at(TARGET + up, TARGET, up, focal=1.0, width=4, height=4)
    with pytest.raises(ValueError, match="no pixels"):
        look_at(TARGET + 1, TARGET, up, focal=1.0, width=0, height=4)
    with pytest.raises(ValueError, match="between 0 and 180"):
        orbit(TARGET, 1.0, 0, 0, 180, 4, 4)
    with pytest.raises(ValueError, match="not positive"):
        orbit(TARGET, 0.0, 0, 0, 20, 4, 4)
