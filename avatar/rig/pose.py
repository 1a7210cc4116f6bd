"""Turn the head of a mesh."""

import torch
from torch import Tensor

from avatar.heads import Head


def pose(vertices: Tensor, head: Head, head_pose: Tensor) -> Tensor:
    """Turn the head of meshes [..., V, 3] by head_pose [..., 4, 4]; the neck blends into still
    shoulders."""
    turned = vertices @ head_pose[..., :3, :3].mT + head_pose[..., None, :3, 3]
    return torch.lerp(vertices, turned, head.pose_weights[:, None])
