"""Gaussians to screen: EWA projection, culling, colour from spherical harmonics."""

import math

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu import fields as f
from splat.cpu.bases import MATH, sh_bases
from splat.cpu.geometry import covariance, rotation, times_axes, to_camera, unit, world_jacobian
from splat.scene.conventions import ALPHA_THRESHOLD, FAR_PLANE, MAX_EXTENT, NEAR_PLANE

LIMIT_MARGIN = np.float32(1e-4)  # so that rounding drops no pixel that passes the alpha test
LARGEST = np.float32(1e8)  # pixels; what lies or reaches further does not fit an int32

_THRESHOLD, _NEAR, _FAR = np.float32(ALPHA_THRESHOLD), np.float32(NEAR_PLANE), np.float32(FAR_PLANE)
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
_MAX_EXTENT, _INFINITY, _TILE = np.float32(MAX_EXTENT), np.float32(np.inf), np.float32(f.TILE)


@plain_njit(fastmath=MATH)
def outside(centre, extent, deviation, size):
    """gsplat's test against the image border, and against coordinates that cannot be drawn."""
    radius = np.ceil(extent * deviation)
    if not (abs(centre) < LARGEST and radius < LARGEST):  # NaN too
        return True
    return centre + radius <= 0 or centre - radius >= size


@plain_njit(fastmath=MATH)
def tile_range(centre, reach, size):
    """Tiles that hold a pixel centre within `reach` of `centre` (pixel centres lie at +0.5)."""
    tiles = -(-int(size) // f.TILE)
    first = math.floor((centre - reach + _HALF) / _TILE)
    last = math.floor((centre + reach - _HALF) / _TILE)
    return max(0, first), min(tiles, last + 1)


@plain_njit(fastmath=MATH)
def write_color(sh, i, x, y, z, splats, basis):
    """max(SH + 0.5, 0) of Gaussian i seen along (x, y, z), of any length."""
    if sh.shape[1] > 1:
        (_, x, y, z), _ = unit((_ZERO, x, y, z))
    sh_bases(x, y, z, basis)
    red = green = blue = _HALF
    for k in range(basis.shape[0]):
        red += basis[k] * sh[i, k, 0]
        green += basis[k] * sh[i, k, 1]
        blue += basis[k] * sh[i, k, 2]
    splats[i, f.RED], splats[i, f.GREEN] = max(red, _ZERO), max(green, _ZERO)
    splats[i, f.BLUE] = max(blue, _ZERO)


@plain_njit(fastmath=MATH)
def write_splat(i, point, cov, det, opacity, lens, splats, rects):
    """Write all fields but the colour. Returns False, with nothing written, if out of view."""
    x, y, z = point
    xx, xy, yy = cov
    sx, sy = lens[0] * x / z + lens[2], lens[1] * y / z + lens[3]
    log_ratio = math.log(opacity / _THRESHOLD)
    extent = min(_MAX_EXTENT, math.sqrt(_TWO * log_ratio))
    deviation_x, deviation_y = math.sqrt(xx), math.sqrt(yy)
    if outside(sx, extent, deviation_x, lens[4]) or outside(sy, extent, deviation_y, lens[5]):
        return False
    reach = math.sqrt(_TWO * (log_ratio + LIMIT_MARGIN * (_ONE + log_ratio)))
    x0, x1 = tile_range(sx, reach * deviation_x, lens[4])
    y0, y1 = tile_range(sy, reach * deviation_y, lens[5])
    if x0 >= x1 or y0 >= y1:
        return False
    rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3] = x0, x1, y0, y1
    splats[i, f.MEAN_X], splats[i, f.MEAN_Y] = sx, sy
    splats[i, f.SHEAR], splats[i, f.TILT] = xy / yy, xy / xx
    splats[i, f.NARROW], splats[i, f.FALL] = math.sqrt(_HALF * yy / det), math.sqrt(_HALF / yy)
    splats[i, f.LEVEL], splats[i, f.OPACITY], splats[i, f.DEPTH] = log_ratio, opacity, z
    return True


@cached_njit(parallel=True, fastmath=MATH, error_model="numpy")
def project_gaussians(
    means, quats, scales, opacities, sh, view, position, lens, antialiased, splats, keys, rects
):
    """Fill `splats` [N, FIELDS], depth `keys` uint32 [N] (0 = culled) and `rects` int16 [N, 4].

    view [3, 4] world to camera, position [3] of the camera in the world, lens = (fx, fy, cx, cy,
    width, height), all float32. rects are tile ranges x0, x1, y0, y1, upper ends exclusive and all
    zero where culled. Source: gsplat 1.5.3, ProjectionEWA3DGSFused.cu.
    """
    blocks = -(-means.shape[0] // 256)
    for block in prange(blocks):
        basis = np.empty(sh.shape[1], np.float32)
        for i in range(block * 256, min(means.shape[0], (block + 1) * 256)):
            keys[i] = 0
            rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3] = 0, 0, 0, 0
            mx, my, mz = means[i, 0], means[i, 1], means[i, 2]
            point = to_camera(view, mx, my, mz)
            if not (point[2] >= _NEAR and point[2] <= _FAR):  # NaN too
                continue
            row_x, row_y, _, _ = world_jacobian(point, view, lens)
            quat, _ = unit((quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]))
            axes = rotation(quat)
            scale = (scales[i, 0], scales[i, 1], scales[i, 2])
            u, v = times_axes(row_x, axes, scale), times_axes(row_y, axes, scale)
            cov, sharp_det, det = covariance(u, v)
            opacity = opacities[i]
            if antialiased:
                opacity *= math.sqrt(sharp_det / det)
            if not (det > 0 and det < _INFINITY and opacity >= _THRESHOLD):  # NaN too
                continue
            if write_splat(i, point, cov, det, opacity, lens, splats, rects):
                keys[i] = np.float32(point[2]).view(np.uint32)
                dx, dy, dz = mx - position[0], my - position[1], mz - position[2]
                write_color(sh, i, dx, dy, dz, splats, basis)
