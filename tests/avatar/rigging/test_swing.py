"""Hair lags behind the head and swings after it; all else stays where the head carries it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from support import ROOT
from torch import Tensor

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.heads import load_head
from avatar.rigging import swing as hair
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.draw import avatar_rig

CPU = torch.device("cpu")


@cache
def demo() -> Avatar:
    return load_avatar(Path(ROOT / "assets" / "demo_avatar.ply"))


def turning(fps: float, seconds: float = 3.0) -> Tensor:
    """A head that looks straight ahead, then in 0.4 s to a side."""
    times = torch.arange(round(seconds * fps)) / fps
    yaw = 0.5 * ((times - 0.4) / 0.4).clamp(0, 1)
    turned = axis_angle_to_matrix(torch.stack([0 * yaw, yaw, 0 * yaw], -1))
    return turn_about(turned, torch.tensor([0.0, -0.05, -0.02]))


def test_lag_is_that_of_a_pendulum_by_small_steps():
    poses, steps, fps = turning(25.0), 2000, 25.0
    w, apart, velocity = 2 * torch.pi * hair.FREQUENCY, 0.0, 0.0
    hung, last = poses[:, 0, 2].double().tolist(), 0.0
    for frame in range(1, len(hung)):
        speed = (hung[frame] - hung[frame - 1]) * fps
        velocity, last = velocity - (speed - last), speed
        for _ in range(steps):
            velocity -= (w * w * apart + 2 * hair.DAMPING * w * velocity) / fps / steps
            apart += velocity / fps / steps
        if frame in (12, 18, 25, 40):
            assert float(hair.lagging(poses, fps)[frame, 0, 2]) == pytest.approx(apart, abs=1e-4)


def test_the_swing_does_not_depend_on_the_frame_rate_and_ends():
    slow, fast = hair.lagging(turning(25.0), 25.0), hair.lagging(turning(50.0), 50.0)
    assert (slow - fast[::2]).abs().max() < 0.01 < slow.abs().max()
    assert slow[-1].abs().max() < 2e-3


def test_only_hair_is_loose():
    share, head = hair.loose(demo(), load_head()), load_head()
    rest = avatar_rig(demo(), CPU)(demo().vertices).means
    distance = torch.cdist(rest[share > 0], demo().vertices).amin(1)
    assert 0.05 < (share > 0).float().mean() < 0.5 and share.max() <= 1
    assert distance.quantile(0.05) > 0.005  # it hangs clear of the skin
    body = (head.pose_weights[demo().faces] < hair.FOLLOWS).any(1)[demo().binding]
    assert share[body].max() == 0


def test_a_head_that_keeps_still_or_has_no_hair_swings_nothing():
    still = torch.eye(4).expand(5, 4, 4)
    assert hair.swinging(demo(), load_head(), still, 25.0, CPU) is hair.unmoved


def test_frames_together_and_one_by_one_agree_and_tips_stay_near():
    avatar, head, poses = demo(), load_head(), turning(25.0)
    swing, rig = hair.swinging(avatar, head, poses, 25.0, CPU), avatar_rig(avatar, CPU)
    means = torch.stack([rig(pose(avatar.vertices, head, poses[k])).means for k in (14, 15)])
    every = rig(avatar.vertices)
    together = swing(replace(every, means=means.clone()), slice(14, 16)).means
    for k in (0, 1):
        alone = swing(replace(every, means=means[k].clone()), 14 + k).means
        torch.testing.assert_close(alone, together[k])
    shift = (together - means).norm(dim=-1)
    assert 0.004 < shift.max() < hair.MOST
    assert torch.equal(shift > 0, (hair.loose(avatar, head) > 0).expand_as(shift))
