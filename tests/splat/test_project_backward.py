"""Gradients of the projection at the edge of the frustum, where slopes are clamped."""

import numpy as np
import pytest

from splat.cpu.geometry import world_jacobian
from splat.cpu.project_backward import point_gradient
from splat.scene.conventions import FRUSTUM_MARGIN

VIEW = np.eye(3, 4, dtype=np.float32)
LENS = np.array([80, 90, 30, 20, 64, 48], np.float32)  # fx, fy, cx, cy, width, height
LIMIT_X = (64 - 30) / 80 + FRUSTUM_MARGIN * 64 / 80
LIMIT_Y = -20 / 90 - FRUSTUM_MARGIN * 48 / 90


def at(slope_x: float, slope_y: float, depth: float = 3.7) -> tuple[np.float32, ...]:
    return tuple(np.array([slope_x * depth, slope_y * depth, depth], np.float32))


@pytest.mark.parametrize(
    ("slopes", "free"),
    [
        ((0.1, -0.2), (True, True)),
        ((0.999 * LIMIT_X, 0.999 * LIMIT_Y), (True, True)),
        ((1.001 * LIMIT_X, 0.1), (False, True)),
        ((0.1, 1.001 * LIMIT_Y), (True, False)),
        ((-9.0, 9.0), (False, False)),
    ],
)
def test_a_slope_is_free_inside_the_frustum_and_its_margin(
    slopes: tuple[float, float], free: tuple[bool, bool]
) -> None:
    assert world_jacobian(at(*slopes), VIEW, LENS)[3] == free


def test_how_a_slope_was_rounded_does_not_decide_its_gradient() -> None:
    """Two compilations of one quotient may differ in the last bit."""
    row_x, row_y = np.array([[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]], np.float32)
    by_mean, by_depth = (np.float32(0.7), np.float32(-0.4)), np.float32(0.2)
    point = at(0.123, -0.077)
    *_, slopes, free = world_jacobian(point, VIEW, LENS)

    def gradient(x: np.float32, y: np.float32) -> np.ndarray:
        camera = np.zeros(15)
        by_point = point_gradient(
            point, (x, y), free, by_mean, by_depth, row_x, row_y, VIEW, LENS, camera
        )
        return np.array(by_point)

    rounded = [np.nextafter(np.float32(slope), np.float32(1)) for slope in slopes]
    np.testing.assert_allclose(gradient(*rounded), gradient(*slopes), rtol=1e-5)
