"""Cameras of the stage."""

import numpy as np
import pytest

from avatar.geometry.zbuffer import project_samples
from avatar.heads import load_head
from avatar.reconstruct.capture_writer import camera_to_world
from research.captures.cameras import (
    capture_cameras,
    held_out_cameras,
)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 16, 33])
@pytest.mark.parametrize("size", [(256, 256), (550, 802), (300, 200)])
def test_every_camera_sees_the_whole_head(count: int, size: tuple[int, int]):
    cameras = capture_cameras(count, *size, seed=3)
    assert len(cameras) == count
    for camera in cameras:
        x, y, nearness = project_samples(camera, load_head().vertices.numpy()).T
        assert (nearness > 0).all()
        assert x.min() > 0 and x.max() < size[0]
        assert y.min() > 0 and y.max() < size[1]


def test_they_stand_around_the_face():
    centres = np.array([camera_to_world(c)[:3, 3] for c in capture_cameras(16, 64, 64, 0)])
    azimuths = np.degrees(np.arctan2(centres[:, 0], centres[:, 2]))
    heights = np.degrees(np.arcsin(centres[:, 1] / np.linalg.norm(centres, axis=1)))
    assert -75 < azimuths.min() < -60 and 60 < azimuths.max() < 75
    assert heights.max() - heights.min() > 30
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + np.eye(16)
    assert apart.min() > 0.1


def test_poses_are_the_inverse_in_opengl_axes():
    for camera in capture_cameras(5, 64, 48, 1):
        pose = camera_to_world(camera)
        product = camera.viewmat.double().numpy() @ pose
        assert np.allclose(product, np.diag([1, -1, -1, 1]), atol=1e-6)
        assert np.allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-6)


@pytest.mark.parametrize("count", range(1, 40))
def test_held_out_cameras_leave_enough_to_learn_from(count: int):
    held = held_out_cameras(count)
    assert len(set(held)) == len(held)
    assert all(0 < number < count for number in held)
    assert len(held) == (0 if count < 3 else max(1, count // 8))
