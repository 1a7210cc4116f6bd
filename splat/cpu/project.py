"""Gaussians to screen: EWA projection, culling, colour from spherical harmonics."""

import math

import numpy as np
from numba import njit, prange

from splat.conventions import (
    ALPHA_THRESHOLD,
    BLUR,
    FAR_PLANE,
    FRUSTUM_MARGIN,
    MAX_EXTENT,
    NEAR_PLANE,
    SH_C0,
    SH_C1,
    SH_C2,
    SH_C3,
)
from splat.cpu import fields as f

MATH = {"contract", "reassoc", "arcp", "nsz"}  # fast, but NaN and infinity keep their meaning
LIMIT_MARGIN = 1e-4  # so that rounding never drops a pixel that passes the alpha test
COORDINATE_LIMIT = 1e8  # pixels; anything beyond is not drawable and would overflow an int32

_BLUR = np.float32(BLUR)
_ONE = np.float32(1)
_TWO = np.float32(2)
_HALF = np.float32(0.5)


@njit(inline="always")
def rotation(qw, qx, qy, qz):
    """Rotation matrix of a unit quaternion, row by row."""
    return (
        _ONE - _TWO * (qy * qy + qz * qz),
        _TWO * (qx * qy - qw * qz),
        _TWO * (qx * qz + qw * qy),
        _TWO * (qx * qy + qw * qz),
        _ONE - _TWO * (qx * qx + qz * qz),
        _TWO * (qy * qz - qw * qx),
        _TWO * (qx * qz - qw * qy),
        _TWO * (qy * qz + qw * qx),
        _ONE - _TWO * (qx * qx + qy * qy),
    )


@njit(inline="always")
def frustum_limits(size, focal, principal):
    """Range of x/z (or y/z) inside which the Jacobian follows the mean."""
    margin = np.float32(FRUSTUM_MARGIN) * size / focal
    return -(principal / focal + margin), (size - principal) / focal + margin


@njit(inline="always", fastmath=MATH)
def sh_basis_1(x, y, z):
    c = np.float32(SH_C1)
    return -c * y, c * z, -c * x


@njit(inline="always", fastmath=MATH)
def sh_basis_2(x, y, z):
    a, b, c = np.float32(SH_C2[0]), np.float32(SH_C2[1]), np.float32(SH_C2[2])
    return (
        a * x * y,
        -a * y * z,
        b * (_TWO * z * z - x * x - y * y),
        -a * x * z,
        c * (x * x - y * y),
    )


@njit(inline="always", fastmath=MATH)
def sh_basis_3(x, y, z):
    a, b, c = np.float32(SH_C3[0]), np.float32(SH_C3[1]), np.float32(SH_C3[2])
    d, e = np.float32(SH_C3[3]), np.float32(SH_C3[4])
    xx, yy, zz = x * x, y * y, z * z
    three, four = np.float32(3), np.float32(4)
    return (
        -a * y * (three * xx - yy),
        b * x * y * z,
        -c * y * (four * zz - xx - yy),
        d * z * (_TWO * zz - three * xx - three * yy),
        -c * x * (four * zz - xx - yy),
        e * z * (xx - yy),
        -a * x * (xx - three * yy),
    )


@njit(inline="always", fastmath=MATH)
def sh_channel(sh, i, channel, bases, x, y, z):
    """SH sum + 0.5 of one colour channel of Gaussian i, before the clamp at zero."""
    value = np.float32(SH_C0) * sh[i, 0, channel] + _HALF
    if bases > 1:
        b1 = sh_basis_1(x, y, z)
        value += b1[0] * sh[i, 1, channel] + b1[1] * sh[i, 2, channel] + b1[2] * sh[i, 3, channel]
    if bases > 4:
        b2 = sh_basis_2(x, y, z)
        value += b2[0] * sh[i, 4, channel] + b2[1] * sh[i, 5, channel] + b2[2] * sh[i, 6, channel]
        value += b2[3] * sh[i, 7, channel] + b2[4] * sh[i, 8, channel]
    if bases > 9:
        b3 = sh_basis_3(x, y, z)
        value += b3[0] * sh[i, 9, channel] + b3[1] * sh[i, 10, channel] + b3[2] * sh[i, 11, channel]
        value += b3[3] * sh[i, 12, channel] + b3[4] * sh[i, 13, channel]
        value += b3[5] * sh[i, 14, channel] + b3[6] * sh[i, 15, channel]
    return value


@njit(inline="always")
def tile_range(low, high, tiles):
    """Tiles that hold a pixel centre in [low, high] pixels (centres lie at +0.5)."""
    first = int(math.floor((low + _HALF) / np.float32(f.TILE)))
    last = int(math.floor((high - _HALF) / np.float32(f.TILE)))
    return max(0, first), min(tiles, last + 1)


@njit(parallel=True, fastmath=MATH, cache=True, error_model="numpy")
def project_gaussians(
    means,
    quats,
    scales,
    opacities,
    sh,
    view,
    position,
    lens,
    antialiased,
    splats,
    depth_keys,
    rects,
):
    """Fill `splats` [N, FIELDS], `depth_keys` uint32 [N] (0 = culled) and `rects` int16 [N, 4].

    view [3, 4] world to camera, position [3] of the camera in the world, lens = (fx, fy, cx, cy,
    width, height), all float32. rects are tile ranges x0, x1, y0, y1, upper ends exclusive.
    Equations: EWA splatting as in gsplat 1.5.3 (ProjectionEWA3DGSFused.cu).
    """
    fx, fy, cx, cy, width, height = lens[0], lens[1], lens[2], lens[3], lens[4], lens[5]
    r00, r01, r02, t0 = view[0, 0], view[0, 1], view[0, 2], view[0, 3]
    r10, r11, r12, t1 = view[1, 0], view[1, 1], view[1, 2], view[1, 3]
    r20, r21, r22, t2 = view[2, 0], view[2, 1], view[2, 2], view[2, 3]
    low_x, high_x = frustum_limits(width, fx, cx)
    low_y, high_y = frustum_limits(height, fy, cy)
    tiles_x, tiles_y = -(-int(width) // f.TILE), -(-int(height) // f.TILE)
    bases = sh.shape[1]
    for i in prange(means.shape[0]):
        depth_keys[i] = 0
        mx, my, mz = means[i, 0], means[i, 1], means[i, 2]
        z = r20 * mx + r21 * my + r22 * mz + t2
        if not (z >= np.float32(NEAR_PLANE) and z <= np.float32(FAR_PLANE)):
            continue
        x = r00 * mx + r01 * my + r02 * mz + t0
        y = r10 * mx + r11 * my + r12 * mz + t1
        inv_z = _ONE / z
        qw, qx, qy, qz = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        inv_norm = _ONE / math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
        q = rotation(qw * inv_norm, qx * inv_norm, qy * inv_norm, qz * inv_norm)
        s0, s1, s2 = scales[i, 0], scales[i, 1], scales[i, 2]

        # Jacobian of the projection times the view rotation: the two rows a and b.
        j00, j02 = fx * inv_z, -fx * min(high_x, max(low_x, x * inv_z)) * inv_z
        j11, j12 = fy * inv_z, -fy * min(high_y, max(low_y, y * inv_z)) * inv_z
        a0, a1, a2 = j00 * r00 + j02 * r20, j00 * r01 + j02 * r21, j00 * r02 + j02 * r22
        b0, b1, b2 = j11 * r10 + j12 * r20, j11 * r11 + j12 * r21, j11 * r12 + j12 * r22
        # times the Gaussian's axes: cov = [u; v] [u; v]^T
        u0 = (a0 * q[0] + a1 * q[3] + a2 * q[6]) * s0
        u1 = (a0 * q[1] + a1 * q[4] + a2 * q[7]) * s1
        u2 = (a0 * q[2] + a1 * q[5] + a2 * q[8]) * s2
        v0 = (b0 * q[0] + b1 * q[3] + b2 * q[6]) * s0
        v1 = (b0 * q[1] + b1 * q[4] + b2 * q[7]) * s1
        v2 = (b0 * q[2] + b1 * q[5] + b2 * q[8]) * s2
        sharp_xx, cov_xy, sharp_yy = (
            u0 * u0 + u1 * u1 + u2 * u2,
            u0 * v0 + u1 * v1 + u2 * v2,
            v0 * v0 + v1 * v1 + v2 * v2,
        )
        cov_xx, cov_yy = sharp_xx + _BLUR, sharp_yy + _BLUR
        # Lagrange's identity: the determinant without the cancellation of xx·yy - xy^2
        n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
        sharp_det = n0 * n0 + n1 * n1 + n2 * n2
        det = sharp_det + _BLUR * (sharp_xx + sharp_yy) + _BLUR * _BLUR
        compensation = _ONE
        if antialiased:
            compensation = math.sqrt(sharp_det / det)
        opacity = opacities[i] * compensation
        if not (det > 0 and det < np.float32(np.inf) and opacity >= np.float32(ALPHA_THRESHOLD)):
            continue

        log_ratio = math.log(opacity / np.float32(ALPHA_THRESHOLD))
        extent = min(np.float32(MAX_EXTENT), math.sqrt(_TWO * log_ratio))
        radius_x = math.ceil(extent * math.sqrt(cov_xx))
        radius_y = math.ceil(extent * math.sqrt(cov_yy))
        sx, sy = fx * x * inv_z + cx, fy * y * inv_z + cy
        if not (abs(sx) < COORDINATE_LIMIT and abs(sy) < COORDINATE_LIMIT):
            continue
        if not (radius_x < COORDINATE_LIMIT and radius_y < COORDINATE_LIMIT):
            continue
        if sx + radius_x <= 0 or sx - radius_x >= width:
            continue
        if sy + radius_y <= 0 or sy - radius_y >= height:
            continue
        limit = log_ratio + np.float32(LIMIT_MARGIN) * (_ONE + log_ratio)
        extent_x, extent_y = math.sqrt(_TWO * limit * cov_xx), math.sqrt(_TWO * limit * cov_yy)
        x0, x1 = tile_range(sx - extent_x, sx + extent_x, tiles_x)
        y0, y1 = tile_range(sy - extent_y, sy + extent_y, tiles_y)
        if x0 >= x1 or y0 >= y1:
            continue
        rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3] = x0, x1, y0, y1
        depth_keys[i] = np.float32(z).view(np.uint32)

        dx, dy, dz = mx - position[0], my - position[1], mz - position[2]
        if bases > 1:
            inv_distance = _ONE / math.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx * inv_distance, dy * inv_distance, dz * inv_distance
        splats[i, f.MEAN_X], splats[i, f.MEAN_Y] = sx, sy
        splats[i, f.SHEAR] = cov_xy / cov_yy
        splats[i, f.NEG_A] = -_HALF * cov_yy / det
        splats[i, f.NEG_C] = -_HALF / cov_yy
        splats[i, f.OPACITY] = opacity
        splats[i, f.RED] = max(sh_channel(sh, i, 0, bases, dx, dy, dz), np.float32(0))
        splats[i, f.GREEN] = max(sh_channel(sh, i, 1, bases, dx, dy, dz), np.float32(0))
        splats[i, f.BLUE] = max(sh_channel(sh, i, 2, bases, dx, dy, dz), np.float32(0))
        splats[i, f.DEPTH] = z
        splats[i, f.LIMIT] = limit
        splats[i, f.EXTENT_Y] = extent_y
        splats[i, f.COV_XX], splats[i, f.COV_XY], splats[i, f.COV_YY] = cov_xx, cov_xy, cov_yy
        splats[i, f.COMPENSATION] = compensation
