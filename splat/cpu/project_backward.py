"""Gradients from projected Gaussians back to the scene and the camera."""

import math

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu import backward as b
from splat.cpu import fields as f
from splat.cpu.geometry import (
    BASES,
    MATH,
    as_rows,
    covariance,
    dot,
    rotation,
    sh_bases,
    sh_direction_gradient,
    times_axes,
    to_camera,
    unit,
    world_jacobian,
)

BLOCK = 256  # Gaussians per task and per partial sum of the camera gradient
CAMERA_SUMS = 15  # rotation 3x3, translation 3, camera position 3

_FIRST, _STEP = np.uint64(0), np.uint64(1)
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


@plain_njit(fastmath=MATH)
def add_up(sums, first, last, total):
    """Sum rows first..last of sums [.., SUMS] into total [SUMS]."""
    total[:] = _ZERO
    for slot in range(first, last):
        for c in range(b.SUMS):
            total[c] += sums[slot, c]


@plain_njit(fastmath=MATH)
def mean_gradient(splat, total):
    """Gradient by the 2D mean."""
    by_x = _TWO * splat[f.NARROW] * splat[f.NARROW] * total[b.SUM_HX]
    by_y = _TWO * splat[f.FALL] * splat[f.FALL] * total[b.SUM_HY] - splat[f.SHEAR] * by_x
    return by_x, by_y


@plain_njit(fastmath=MATH)
def covariance_gradient(splat, total, cov_yy):
    """Gradient by the blurred covariance (xx, xy, yy), where xy counts as one number."""
    shear = splat[f.SHEAR]
    a, c = splat[f.NARROW] * splat[f.NARROW], splat[f.FALL] * splat[f.FALL]
    by_narrow = _TWO * a * a * total[b.SUM_HXX]  # by var(x | y) = xx - xy² / yy
    by_shear = _TWO * a * total[b.SUM_HXY]
    by_yy = _TWO * c * c * total[b.SUM_HYY]
    return (
        by_narrow,
        -_TWO * shear * by_narrow + by_shear / cov_yy,
        shear * shear * by_narrow - shear * by_shear / cov_yy + by_yy,
    )


@plain_njit(fastmath=MATH)
def compensation_gradient(v_factor, u, v, cov, sharp_det, det):
    """Gradient by the covariance through sqrt(sharp_det / det)."""
    by_sharp = _HALF * v_factor / math.sqrt(sharp_det * det)
    by_det = -_HALF * v_factor * math.sqrt(sharp_det / det) / det
    return (
        by_sharp * dot(v, v) + by_det * cov[2],
        -_TWO * cov[1] * (by_sharp + by_det),
        by_sharp * dot(u, u) + by_det * cov[0],
    )


@plain_njit(fastmath=MATH)
def quaternion_gradient(g, quat, inverse_length):
    """Gradient by the quaternion before normalisation, g [3][3] the gradient by its matrix."""
    w, x, y, z = quat
    gw = x * (g[2][1] - g[1][2]) + y * (g[0][2] - g[2][0]) + z * (g[1][0] - g[0][1])
    gx = w * (g[2][1] - g[1][2]) + y * (g[0][1] + g[1][0]) + z * (g[0][2] + g[2][0])
    gx -= _TWO * x * (g[1][1] + g[2][2])
    gy = w * (g[0][2] - g[2][0]) + x * (g[0][1] + g[1][0]) + z * (g[1][2] + g[2][1])
    gy -= _TWO * y * (g[0][0] + g[2][2])
    gz = w * (g[1][0] - g[0][1]) + x * (g[0][2] + g[2][0]) + y * (g[1][2] + g[2][1])
    gz -= _TWO * z * (g[0][0] + g[1][1])
    along = w * gw + x * gx + y * gy + z * gz
    factor = _TWO * inverse_length
    return (
        factor * (gw - w * along),
        factor * (gx - x * along),
        factor * (gy - y * along),
        factor * (gz - z * along),
    )


@plain_njit(fastmath=MATH)
def shape_gradient(
    i, u, v, v_cov, row_x, row_y, quat, inverse_length, axes, scale, v_quats, v_scales
):
    """Write the gradients by quaternion and scales; return those by the Jacobian rows."""
    vu = (
        _TWO * v_cov[0] * u[0] + v_cov[1] * v[0],
        _TWO * v_cov[0] * u[1] + v_cov[1] * v[1],
        _TWO * v_cov[0] * u[2] + v_cov[1] * v[2],
    )
    vv = (
        _TWO * v_cov[2] * v[0] + v_cov[1] * u[0],
        _TWO * v_cov[2] * v[1] + v_cov[1] * u[1],
        _TWO * v_cov[2] * v[2] + v_cov[1] * u[2],
    )
    su = (vu[0] * scale[0], vu[1] * scale[1], vu[2] * scale[2])
    sv = (vv[0] * scale[0], vv[1] * scale[1], vv[2] * scale[2])
    by_axes = (
        (
            row_x[0] * su[0] + row_y[0] * sv[0],
            row_x[0] * su[1] + row_y[0] * sv[1],
            row_x[0] * su[2] + row_y[0] * sv[2],
        ),
        (
            row_x[1] * su[0] + row_y[1] * sv[0],
            row_x[1] * su[1] + row_y[1] * sv[1],
            row_x[1] * su[2] + row_y[1] * sv[2],
        ),
        (
            row_x[2] * su[0] + row_y[2] * sv[0],
            row_x[2] * su[1] + row_y[2] * sv[1],
            row_x[2] * su[2] + row_y[2] * sv[2],
        ),
    )
    by_quat = quaternion_gradient(by_axes, quat, inverse_length)
    for c in range(4):
        v_quats[i, c] = by_quat[c]
    ones = (_ONE, _ONE, _ONE)
    ru, rv = times_axes(row_x, axes, ones), times_axes(row_y, axes, ones)
    for c in range(3):
        v_scales[i, c] = vu[c] * ru[c] + vv[c] * rv[c]
    by_row_x = (dot(axes[0], su), dot(axes[1], su), dot(axes[2], su))
    by_row_y = (dot(axes[0], sv), dot(axes[1], sv), dot(axes[2], sv))
    return by_row_x, by_row_y


@plain_njit(fastmath=MATH)
def point_gradient(point, slopes, free, by_mean, by_depth, by_row_x, by_row_y, view, lens, camera):
    """Gradient by the camera-space point; adds the Jacobian's share of the view rotation.

    A clamped slope, which is not free, has no gradient.
    """
    fx, fy = lens[0], lens[1]
    x, y, z = point
    inv_z = _ONE / z
    j00, j02 = fx * inv_z, -fx * slopes[0] * inv_z
    j11, j12 = fy * inv_z, -fy * slopes[1] * inv_z
    v00 = v02 = v11 = v12 = _ZERO
    for c in range(3):
        v00 += view[0][c] * by_row_x[c]
        v02 += view[2][c] * by_row_x[c]
        v11 += view[1][c] * by_row_y[c]
        v12 += view[2][c] * by_row_y[c]
        camera[c] += j00 * by_row_x[c]
        camera[3 + c] += j11 * by_row_y[c]
        camera[6 + c] += j02 * by_row_x[c] + j12 * by_row_y[c]
    vx, vy = by_mean[0] * fx * inv_z, by_mean[1] * fy * inv_z
    by_inv_z = by_mean[0] * fx * x + by_mean[1] * fy * y
    by_inv_z += v00 * fx - v02 * fx * slopes[0] + v11 * fy - v12 * fy * slopes[1]
    by_slope_x, by_slope_y = -v02 * fx * inv_z, -v12 * fy * inv_z
    if free[0]:
        vx += by_slope_x * inv_z
        by_inv_z += by_slope_x * x
    if free[1]:
        vy += by_slope_y * inv_z
        by_inv_z += by_slope_y * y
    return vx, vy, by_depth - inv_z * inv_z * by_inv_z


@plain_njit(fastmath=MATH)
def color_gradient(i, splat, total, offset, sh, v_sh, basis, by_basis):
    """Write the gradient by the SH coefficients; return that by the viewing direction `offset`."""
    bases = sh.shape[1]
    x, y, z = offset
    inverse = _ONE
    if bases > 1:
        (_, x, y, z), inverse = unit((_ZERO, x, y, z))
    sh_bases(x, y, z, basis, _FIRST, _STEP)
    by_basis[:] = _ZERO
    for c in range(3):
        v_channel = total[b.SUM_RED + c] if splat[f.RED + c] > 0 else _ZERO
        for k in range(bases):
            v_sh[i, k, c] = basis[k] * v_channel
            by_basis[k] += sh[i, k, c] * v_channel
    gx, gy, gz = sh_direction_gradient(x, y, z, by_basis)
    along = x * gx + y * gy + z * gz
    return (gx - x * along) * inverse, (gy - y * along) * inverse, (gz - z * along) * inverse


@plain_njit(fastmath=MATH)
def world_gradient(i, world, by_point, by_offset, view, v_means, camera):
    """Write the gradient by the mean; add that by the camera."""
    for c in range(3):
        by_mean = by_offset[c]
        for r in range(3):
            by_mean += view[r][c] * by_point[r]
            camera[3 * r + c] += by_point[r] * world[c]
        v_means[i, c] = by_mean
        camera[9 + c] += by_point[c]
        camera[12 + c] -= by_offset[c]


@plain_njit()
def added_up(cameras):
    """The sum of the rows of cameras [.., CAMERA_SUMS], in their order; a parallel kernel would
    start its threads for each."""
    result = np.zeros(CAMERA_SUMS, np.float64)
    for block in range(cameras.shape[0]):
        result += cameras[block]
    return result


@cached_njit(parallel=True, fastmath=MATH, error_model="numpy")
def project_backward(
    scene, view, position, lens, antialiased, splats, first_slots, sums, gradients
):
    """Fill gradients = (means, quats, scales, opacities, sh), zero before, shapes as `scene`.

    Returns float64 [CAMERA_SUMS]: gradients by the rotation and translation of the view matrix,
    and by the camera position (the SH direction), added up in a fixed order.
    """
    means, quats, scales, opacities, sh = scene
    v_means, v_quats, v_scales, v_opacities, v_sh = gradients
    n = means.shape[0]
    blocks = -(-n // BLOCK)
    cameras = np.zeros((blocks, CAMERA_SUMS), np.float64)
    for block in prange(blocks):
        basis = np.empty(BASES, np.float32)
        by_basis = np.empty(sh.shape[1], np.float32)
        total = np.empty(b.SUMS, np.float32)
        rows, camera = as_rows(view), cameras[block]
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            if first_slots[i] == first_slots[i + 1]:
                continue
            add_up(sums, first_slots[i], first_slots[i + 1], total)
            splat = splats[i]
            world = (means[i, 0], means[i, 1], means[i, 2])
            point = to_camera(rows, *world)
            row_x, row_y, slopes, free = world_jacobian(point, rows, lens)
            quat, inverse_length = unit((quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]))
            axes = rotation(quat)
            scale = (scales[i, 0], scales[i, 1], scales[i, 2])
            u, v = times_axes(row_x, axes, scale), times_axes(row_y, axes, scale)
            cov, sharp_det, det = covariance(u, v)
            xx, xy, yy = covariance_gradient(splat, total, cov[2])
            by_opacity = total[b.SUM_H] / splat[f.OPACITY]
            factor = _ONE
            if antialiased:
                factor = math.sqrt(sharp_det / det)
                more = compensation_gradient(by_opacity * opacities[i], u, v, cov, sharp_det, det)
                xx, xy, yy = xx + more[0], xy + more[1], yy + more[2]
            v_opacities[i] = by_opacity * factor
            by_row_x, by_row_y = shape_gradient(
                i, u, v, (xx, xy, yy), row_x, row_y, quat, inverse_length, axes, scale,
                v_quats, v_scales,
            )  # fmt: skip
            by_mean = mean_gradient(splat, total)
            by_point = point_gradient(
                point, slopes, free, by_mean, total[b.SUM_DEPTH], by_row_x, by_row_y,
                rows, lens, camera,
            )  # fmt: skip
            offset = (world[0] - position[0], world[1] - position[1], world[2] - position[2])
            by_offset = color_gradient(i, splat, total, offset, sh, v_sh, basis, by_basis)
            world_gradient(i, world, by_point, by_offset, rows, v_means, camera)
    return added_up(cameras)


@cached_njit(parallel=True, fastmath=MATH, error_model="numpy")
def sh_backward(means, sh, position, splats, first_slots, sums, v_sh):
    """Fill v_sh, zero before, as `project_backward` does, and nothing else."""
    n = means.shape[0]
    for block in prange(-(-n // BLOCK)):
        basis = np.empty(BASES, np.float32)
        by_basis = np.empty(sh.shape[1], np.float32)
        total = np.empty(b.SUMS, np.float32)
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            if first_slots[i] == first_slots[i + 1]:
                continue
            add_up(sums, first_slots[i], first_slots[i + 1], total)
            x, y, z = (
                means[i, 0] - position[0],
                means[i, 1] - position[1],
                means[i, 2] - position[2],
            )
            color_gradient(i, splats[i], total, (x, y, z), sh, v_sh, basis, by_basis)
