"""How a subject moves before a phone, and where the phone stands."""

import numpy as np
import pytest
import torch

from avatar.geometry.zbuffer import project
from avatar.heads import load_head
from research.captures.film_motion import FilmMotion, filmed
from research.captures.phone import backdrop, exposure_gains, phone_camera

HEAD = load_head()


def motion(seed: int, sway_mm: float = 4.0, frames: int = 400) -> FilmMotion:
    return filmed(HEAD, HEAD.units, frames, None, sway_mm, seed)


def degrees(poses: torch.Tensor) -> np.ndarray:
    """Yaw and pitch [F, 2] of rigid motions."""
    x, y, z = poses[:, :3, 2].numpy().T
    return np.degrees(np.stack([np.arctan2(x, z), np.arcsin(-y)], 1))


@pytest.mark.parametrize("seed", range(4))
def test_the_head_turns_smoothly_to_both_sides(seed: int):
    yaw, pitch = degrees(motion(seed).head_pose).T
    assert -36 < yaw.min() < -30 and 30 < yaw.max() < 36
    assert -17 < pitch.min() < -11 and 11 < pitch.max() < 17
    assert np.abs(np.diff(yaw)).max() < 3
    assert np.abs(np.diff(yaw, 2)).max() < 0.5


def test_shoulders_sway_as_far_as_told():
    shifts = motion(0, sway_mm=6.0).torso_pose[:, :3, 3]
    assert 0.002 < float(shifts.norm(dim=1).max()) < 0.015
    assert torch.allclose(motion(0, sway_mm=0).torso_pose, torch.eye(4).expand(400, 4, 4))


def test_eyes_blink_and_look_about():
    weights = motion(1).weights
    assert float(weights[:, HEAD.unit_names.index("eyeBlinkLeft")].max()) > 0.8
    assert float(weights[:, HEAD.unit_names.index("eyeLookOutLeft")].max()) > 0.3
    assert float(weights.min()) >= 0 and float(weights.max()) <= 1


@pytest.mark.parametrize("seed", range(12))
def test_the_phone_sees_the_whole_head_from_near(seed: int):
    camera = phone_camera((512, 512), seed)
    assert 0.899 < float(camera.K[0, 0]) / 512 < 2.001
    pixels, depths = project(camera, HEAD.vertices[HEAD.pose_weights > 0.99])
    assert 0.2 < float(depths.min()) < float(depths.max()) < 1.2
    assert float(pixels.min()) > 20 and float(pixels.max()) < 492
    assert float(pixels[:, 1].max() - pixels[:, 1].min()) > 200


def test_exposure_drifts_slowly_by_as_much_as_told():
    gains = np.log(exposure_gains(20_000, 0.05, 3))
    assert np.std(gains) == pytest.approx(0.05, rel=0.25)
    assert np.abs(np.diff(gains, axis=0)).max() < 0.01
    assert np.corrcoef(gains[:, 0], gains[:, 1])[0, 1] > 0.7
    assert (exposure_gains(5, 0.0, 3) == 1).all()


def test_rooms_differ_and_are_out_of_focus():
    one, other = backdrop((128, 96), 0), backdrop((128, 96), 1)
    assert one.shape == (96, 128, 3) and one.min() > 0
    assert np.abs(one - other).mean() > 0.02
    assert np.abs(np.diff(one, axis=1)).max() < 0.2
