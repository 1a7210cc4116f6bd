"""Cameras of the stage, errors of tracking."""

import numpy as np
import pytest
import torch

from avatar.geometry.zbuffer import project_samples
from avatar.heads import load_head
from avatar.reconstruct.capture_writer import camera_to_world
from research.captures.cameras import (
    capture_cameras,
    exposures,
    held_out_cameras,
    shaken_cameras,
    tracking_errors,
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


def test_tracking_errors_have_the_size_asked_for_and_are_smooth():
    rest = load_head().vertices.numpy()
    errors = np.stack([tracking_errors(rest, timestep, 0.001, seed=5) for timestep in range(40)])
    size = np.sqrt((errors**2).sum(-1).mean())
    assert size == pytest.approx(0.001, rel=0.1)
    near = np.argsort(np.linalg.norm(rest - rest[500], axis=1))[1:8]
    far = np.linalg.norm(rest - rest[500], axis=1).argmax()

    def correlation(other: int) -> float:
        return float(np.corrcoef(errors[:, 500].ravel(), errors[:, other].ravel())[0, 1])

    assert np.mean([correlation(k) for k in near]) > 0.6
    assert abs(correlation(int(far))) < 0.5
    assert not np.allclose(errors[0], errors[1], atol=1e-4)
    assert np.array_equal(tracking_errors(rest, 3, 0.001, 5), errors[3])


def test_cameras_are_shaken_by_as_much_as_asked():
    cameras = capture_cameras(60, 64, 64, 0)
    shaken = shaken_cameras(cameras, degrees=0.5, metres=0.002, seed=1)
    turns, shifts = [], []
    for before, after in zip(cameras, shaken, strict=True):
        turn = after.viewmat[:3, :3].double() @ before.viewmat[:3, :3].double().T
        angle = torch.arccos(((turn.trace() - 1) / 2).clamp(max=1))
        turns.append(float(torch.rad2deg(angle)))
        shifts.append(camera_to_world(after)[:3, 3] - camera_to_world(before)[:3, 3])
        assert torch.equal(after.K, before.K)
    assert np.sqrt(np.mean(np.square(turns)) / 3) == pytest.approx(0.5, rel=0.25)
    assert np.std(shifts) == pytest.approx(0.002, rel=0.25)


def test_no_error_leaves_cameras_and_exposures_alone():
    cameras = capture_cameras(3, 64, 64, 0)
    for before, after in zip(cameras, shaken_cameras(cameras, 0, 0, 1), strict=True):
        assert torch.allclose(before.viewmat, after.viewmat, atol=1e-6)
    assert (exposures(4, 0.0, 2) == 1).all()
    assert np.std(np.log(exposures(500, 0.1, 2))) == pytest.approx(0.1, rel=0.1)
