"""Rotation matrices and wxyz quaternions."""

import torch
from torch import Tensor


def quaternion_to_matrix(quats: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of quaternions [..., 4] wxyz of any length above zero."""
    w, x, y, z = torch.unbind(quats / quats.norm(dim=-1, keepdim=True), -1)
    rows = (
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def matrix_to_quaternion(matrices: Tensor) -> Tensor:
    """Unit quaternions [..., 4] wxyz of rotation matrices [..., 3, 3].

    Each of the four components can serve as the divisor; the largest is taken, so that the result
    and its gradient are well conditioned everywhere.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (
        row.unbind(-1) for row in matrices.unbind(-2)
    )
    squares = torch.stack(
        [1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22], -1
    )
    a, b, c = m21 - m12, m02 - m20, m10 - m01
    d, e, f = m10 + m01, m02 + m20, m21 + m12
    candidates = torch.stack(
        [
            torch.stack([squares[..., 0], a, b, c], -1),
            torch.stack([a, squares[..., 1], d, e], -1),
            torch.stack([b, d, squares[..., 2], f], -1),
            torch.stack([c, e, f, squares[..., 3]], -1),
        ],
        -2,
    )  # [..., 4, 4]: row k is the quaternion times 4 q_k
    best = squares.argmax(-1)[..., None, None].expand(*squares.shape[:-1], 1, 4)
    chosen = candidates.gather(-2, best).squeeze(-2)
    return chosen / chosen.norm(dim=-1, keepdim=True)


def multiply_quaternions(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton products a ⊗ b of quaternions [..., 4] wxyz: first b turns, then a."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] in radians."""
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(skew)


def turn_about(rotations: Tensor, pivot: Tensor) -> Tensor:
    """Rigid motions [..., 4, 4] by rotations [..., 3, 3] that leave the point `pivot` [3] still."""
    poses = torch.eye(4).to(rotations).repeat(*rotations.shape[:-2], 1, 1)
    poses[..., :3, :3] = rotations
    poses[..., :3, 3] = pivot - rotations @ pivot
    return poses


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
