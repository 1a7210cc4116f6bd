"""Local Gaussians → world Gaussians of a moved mesh on the CPU, compiled.

The twin of `triangle_frames` followed by `to_world`: one pass over the triangles, one over the
Gaussians, by one thread: films draw frames beside each other. Without gradients by the mesh.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from avatar.rigging.binding import to_world, triangle_frames
from common.kernels import cached_njit, plain_njit
from splat import Gaussians

Floats = NDArray[np.float32]
TINY = np.float32(1e-12)


def fast_rig(
    local_of: Callable[[Tensor], Gaussians], binding: Tensor, faces: Tensor
) -> Callable[[Tensor], Gaussians]:
    """A function vertices [V, 3] → world Gaussians, without gradients.

    local_of: vertices → activated Gaussians in triangle frames; binding [N]; faces [M, 3]. All on
    the CPU.
    """
    triangles = faces.numpy().astype(np.int32)
    owner = binding.numpy().astype(np.int32)

    def world(vertices: Tensor) -> Gaussians:
        local = local_of(vertices)
        frames = _triangle_frames(np.ascontiguousarray(vertices.numpy(), np.float32), triangles)
        moved = _to_world(*_arrays(local.means, local.quats, local.scales), owner, frames)
        means_world, quats_world, scales_world = (torch.from_numpy(part) for part in moved)
        return Gaussians(means_world, quats_world, scales_world, local.opacities, local.sh)

    return world


def skinned(local: Gaussians, binding: Tensor, vertices: Tensor, faces: Tensor) -> Gaussians:
    """World Gaussians of one mesh [V, 3], with gradients by the local ones.

    The slow form, on CUDA and where the mesh has gradients as well.
    """
    if vertices.is_cuda or vertices.requires_grad:
        return to_world(local, binding, triangle_frames(vertices, faces))
    corners = np.ascontiguousarray(vertices.numpy(), np.float32)
    frames = _triangle_frames(corners, faces.numpy().astype(np.int32))
    owner = binding.numpy().astype(np.int32)
    moved: Any = _Skinned.apply(local.means, local.quats, local.scales, owner, frames)
    means, quats, scales = moved
    return Gaussians(means, quats, scales, local.opacities, local.sh)


class _Skinned(torch.autograd.Function):
    """Means, quaternions and scales from the frames of their triangles to the world."""

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor,
        scales: Tensor,
        owner: NDArray[np.int32],  # [N]
        frames: Floats,  # [M, 17]
    ) -> tuple[Tensor, ...]:
        ctx.owner, ctx.frames = owner, frames
        return tuple(
            map(torch.from_numpy, _to_world(*_arrays(means, quats, scales), owner, frames))
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by_world: Tensor) -> tuple[Tensor | None, ...]:
        by_local = _from_world(*_arrays(*by_world), ctx.owner, ctx.frames)
        return (*map(torch.from_numpy, by_local), None, None)


def _arrays(*tensors: Tensor) -> tuple[Floats, ...]:
    return tuple(np.ascontiguousarray(tensor.detach().numpy(), np.float32) for tensor in tensors)


@cached_njit(fastmath=True, error_model="numpy")
def _triangle_frames(vertices: Floats, triangles: NDArray[np.int32]) -> Floats:
    """[M, 17]: rotation row by row, its quaternion, origin, scale."""
    frames = np.empty((len(triangles), 17), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ex = vertices[b, 0] - vertices[a, 0]
        ey = vertices[b, 1] - vertices[a, 1]
        ez = vertices[b, 2] - vertices[a, 2]
        ox = vertices[c, 0] - vertices[a, 0]
        oy = vertices[c, 1] - vertices[a, 1]
        oz = vertices[c, 2] - vertices[a, 2]
        length = np.sqrt(ex * ex + ey * ey + ez * ez + TINY * TINY)
        if length > 2 * TINY:
            ex, ey, ez = ex / length, ey / length, ez / length
        else:
            ex, ey, ez = np.float32(1), np.float32(0), np.float32(0)
        nx, ny, nz = ey * oz - ez * oy, ez * ox - ex * oz, ex * oy - ey * ox
        area = np.sqrt(nx * nx + ny * ny + nz * nz)
        if area > TINY:
            nx, ny, nz = nx / area, ny / area, nz / area
        else:
            nx, ny, nz = _perpendicular(ex, ey, ez)
        bx, by, bz = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
        row = frames[t]
        row[0], row[1], row[2] = ex, nx, bx
        row[3], row[4], row[5] = ey, ny, by
        row[6], row[7], row[8] = ez, nz, bz
        row[9], row[10], row[11], row[12] = _quaternion(ex, nx, bx, ey, ny, by, ez, nz, bz)
        for k in range(3):
            row[13 + k] = (vertices[a, k] + vertices[b, k] + vertices[c, k]) / np.float32(3)
        row[16] = np.float32(0.5) * (length + abs(bx * ox + by * oy + bz * oz))
    return frames


@plain_njit(inline="always", fastmath=True)
def _perpendicular(x, y, z):  # scalars in, scalars out: the compiler types them
    if abs(x) <= abs(y) and abs(x) <= abs(z):
        x, y, z = x * 0, z, -y
    elif abs(y) <= abs(z):
        x, y, z = -z, y * 0, x
    else:
        x, y, z = y, -x, z * 0
    length = np.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


@plain_njit(inline="always", fastmath=True)
def _quaternion(m00, m01, m02, m10, m11, m12, m20, m21, m22):  # scalars, as above
    trace = m00 + m11 + m22
    one = np.float32(1)
    if trace > 0:
        w, x, y, z = one + trace, m21 - m12, m02 - m20, m10 - m01
    elif m00 >= m11 and m00 >= m22:
        w, x, y, z = m21 - m12, one + m00 - m11 - m22, m10 + m01, m02 + m20
    elif m11 >= m22:
        w, x, y, z = m02 - m20, m10 + m01, one - m00 + m11 - m22, m21 + m12
    else:
        w, x, y, z = m10 - m01, m02 + m20, m21 + m12, one - m00 - m11 + m22
    length = np.sqrt(w * w + x * x + y * y + z * z)
    return w / length, x / length, y / length, z / length


@plain_njit(inline="always", fastmath=True)
def _write_product(products, i, w, x, y, z, quat):  # scalars, as above
    """Row i of products [N, 4]: the quaternion w, x, y, z times another [4]."""
    bw, bx, by, bz = quat
    products[i, 0] = w * bw - x * bx - y * by - z * bz
    products[i, 1] = w * bx + x * bw + y * bz - z * by
    products[i, 2] = w * by - x * bz + y * bw + z * bx
    products[i, 3] = w * bz + x * by - y * bx + z * bw


@cached_njit(fastmath=True, error_model="numpy")
def _to_world(
    means: Floats, quats: Floats, scales: Floats, owner: NDArray[np.int32], frames: Floats
) -> tuple[Floats, Floats, Floats]:
    means_world = np.empty_like(means)
    quats_world = np.empty_like(quats)
    scales_world = np.empty_like(scales)
    for i in range(len(means)):
        f = frames[owner[i]]
        k = f[16]
        x, y, z = means[i]
        for row in range(3):
            turned = f[3 * row] * x + f[3 * row + 1] * y + f[3 * row + 2] * z
            means_world[i, row] = k * turned + f[13 + row]
            scales_world[i, row] = k * scales[i, row]
        _write_product(quats_world, i, f[9], f[10], f[11], f[12], quats[i])
    return means_world, quats_world, scales_world


@cached_njit(fastmath=True, error_model="numpy")
def _from_world(
    by_means_world: Floats,
    by_quats_world: Floats,
    by_scales_world: Floats,
    owner: NDArray[np.int32],
    frames: Floats,
) -> tuple[Floats, Floats, Floats]:
    """The gradients by what `_to_world` takes, of those by what it gives: its transpose."""
    by_means = np.empty_like(by_means_world)
    by_quats = np.empty_like(by_quats_world)
    by_scales = np.empty_like(by_scales_world)
    for i in range(len(by_means)):
        f = frames[owner[i]]
        k = f[16]
        x, y, z = by_means_world[i]
        for column in range(3):
            turned = f[column] * x + f[3 + column] * y + f[6 + column] * z
            by_means[i, column] = k * turned
            by_scales[i, column] = k * by_scales_world[i, column]
        _write_product(by_quats, i, f[9], -f[10], -f[11], -f[12], by_quats_world[i])
    return by_means, by_quats, by_scales
