"""A take at a film's frame rate, and its head angles as poses."""

import numpy as np
import torch
from torch import Tensor

from avatar.arkit.live_link import Take
from avatar.mesh.rotations import axis_angle_to_matrix, turn_about


def take_frames(take: Take, fps: float) -> int:
    """How many frames of a film the take fills, at least one."""
    return max(1, round(take.seconds * fps))


def sample_take(take: Take, fps: float) -> tuple[Tensor, Tensor]:
    """Weights [F, 52] and head angles [F, 3] at the middle of each frame, linear in between."""
    middles = (np.arange(take_frames(take, fps)) + 0.5) / fps
    known = take.times + take.frame_seconds / 2
    columns = np.concatenate([take.weights, take.head], axis=1).T
    sampled = np.stack([np.interp(middles, known, column) for column in columns], axis=1)
    both = torch.from_numpy(sampled).float()
    return both[:, : take.weights.shape[1]], both[:, take.weights.shape[1] :]


def head_poses(angles: Tensor, pivot: Tensor) -> Tensor:
    """Poses [F, 4, 4] of a head on its pivot [3] from yaw, pitch and roll [F, 3] in radians.

    Roll is applied first, then pitch, then yaw, as in the engine that the format comes from.
    """
    yaw, pitch, roll = angles.unbind(-1)
    nothing = torch.zeros_like(yaw)
    about_y, about_x, about_z = (
        axis_angle_to_matrix(torch.stack(axes, -1))
        for axes in ((nothing, yaw, nothing), (-pitch, nothing, nothing), (nothing, nothing, roll))
    )
    return turn_about(about_y @ about_x @ about_z, pivot)


def head_angles(poses: Tensor) -> Tensor:
    """Yaw, pitch and roll [F, 3] in radians of poses [F, 4, 4]: the inverse of `head_poses`."""
    R = poses[:, :3, :3]
    yaw = torch.atan2(R[:, 0, 2], R[:, 2, 2])
    pitch = torch.asin(R[:, 1, 2].clamp(-1, 1))
    roll = torch.atan2(R[:, 1, 0], R[:, 1, 1])
    return torch.stack([yaw, pitch, roll], -1)
