"""A take at a film's frame rate, and its head angles as poses."""

import numpy as np
import torch
from torch import Tensor

from avatar.avatar_io.live_link import Take
from avatar.geometry.rotations import turn_about


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
    turned = angles * angles.new_tensor([1.0, -1.0, 1.0])
    (cy, cx, cz), (sy, sx, sz) = turned.cos().unbind(-1), turned.sin().unbind(-1)
    rows = (
        *(cy * cz + sy * sx * sz, sy * sx * cz - cy * sz, sy * cx),
        *(cx * sz, cx * cz, -sx),
        *(cy * sx * sz - sy * cz, sy * sz + cy * sx * cz, cy * cx),
    )
    return turn_about(torch.stack(rows, -1).unflatten(-1, (3, 3)), pivot)


def head_angles(poses: Tensor) -> Tensor:
    """Yaw, pitch and roll [F, 3] in radians of poses [F, 4, 4]: the inverse of `head_poses`."""
    R = poses[:, :3, :3]
    yaw = torch.atan2(R[:, 0, 2], R[:, 2, 2])
    pitch = torch.asin(R[:, 1, 2].clamp(-1, 1))
    roll = torch.atan2(R[:, 1, 0], R[:, 1, 1])
    return torch.stack([yaw, pitch, roll], -1)
