"""Gaussians to screen: EWA projection, culling, colour from spherical harmonics.

They are projected in blocks. What is known of a block lies in planes, each with one number of all
its Gaussians, so that the arithmetic fills whole vectors: one flat buffer, 64-bit unsigned indices
and a fixed inner loop let the compiler see that nothing overlaps.
"""

import math

import numpy as np
from numba import prange

from common.kernels import cached_njit, plain_njit
from splat.cpu import fields as f
from splat.cpu.geometry import (
    BASES,
    MATH,
    as_rows,
    covariance,
    logarithm,
    rotation,
    sh_bases,
    times_axes,
    to_camera,
    unit,
    world_jacobian,
)
from splat.scene.conventions import ALPHA_THRESHOLD, FAR_PLANE, MAX_EXTENT, NEAR_PLANE

LIMIT_MARGIN = np.float32(1e-4)  # so that rounding drops no pixel that passes the alpha test
LARGEST = np.float32(1e8)  # pixels; what lies or reaches further does not fit an int32

LANES = 64  # Gaussians of a block
TASK = 16 * LANES  # Gaussians that a thread takes at once
_PLANE = np.uint64(LANES)  # values of a plane
_THRESHOLD, _NEAR, _FAR = np.float32(ALPHA_THRESHOLD), np.float32(NEAR_PLANE), np.float32(FAR_PLANE)
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
_MAX_EXTENT, _INFINITY, _TILE = np.float32(MAX_EXTENT), np.float32(np.inf), np.float32(f.TILE)


def _planes(first: int, count: int) -> tuple[np.uint64, ...]:
    """Where planes begin."""
    return tuple(np.uint64(LANES * (first + n)) for n in range(count))


_FIELD = _planes(0, f.USED)
_RECT, _MEAN = _planes(f.USED, 4), _planes(f.USED + 4, 3)
_QUAT, _SCALE = _planes(f.USED + 7, 4), _planes(f.USED + 11, 3)
(_BASIS,) = _planes(f.USED + 14, 1)  # of the first basis; the others follow
_PLANES = f.USED + 14 + BASES


@plain_njit()
def take_block(means, quats, scales, opacities, first, count, planes):
    """Lay `count` Gaussians from `first` on out in planes."""
    for lane in range(count):
        i, j = first + lane, np.uint64(lane)
        for c in range(3):
            planes[_MEAN[c] + j] = means[i, c]
            planes[_SCALE[c] + j] = scales[i, c]
        for c in range(4):
            planes[_QUAT[c] + j] = quats[i, c]
        planes[_FIELD[f.OPACITY] + j] = opacities[i]


@plain_njit(fastmath=MATH, forceinline=True)
def within(centre, extent, deviation, size):
    """gsplat's test against the image border, and against coordinates that cannot be drawn."""
    radius = np.ceil(extent * deviation)
    drawable = (abs(centre) < LARGEST) & (radius < LARGEST)  # NaN is not
    return drawable & (centre + radius > _ZERO) & (centre - radius < size)


@plain_njit(fastmath=MATH, forceinline=True)
def tile_range(centre, reach, size):
    """Tiles that hold a pixel centre within `reach` of `centre` (pixel centres lie at +0.5)."""
    first = np.floor((centre - reach + _HALF) / _TILE)
    last = np.floor((centre + reach - _HALF) / _TILE)
    return max(_ZERO, first), min(np.ceil(size / _TILE), last + _ONE)


@plain_njit(fastmath=MATH, forceinline=True)
def write_shape(planes, j, point, cov, det, opacity, lens):
    """Write rectangle and fields, but for the colour; the depth is 0 where nothing is seen."""
    x, y, z = point
    xx, xy, yy = cov
    sx, sy = lens[0] * x / z + lens[2], lens[1] * y / z + lens[3]
    level = logarithm(opacity / _THRESHOLD)
    extent = min(_MAX_EXTENT, math.sqrt(_TWO * level))
    reach = math.sqrt(_TWO * (level + LIMIT_MARGIN * (_ONE + level)))
    deviation_x, deviation_y = math.sqrt(xx), math.sqrt(yy)
    x0, x1 = tile_range(sx, reach * deviation_x, lens[4])
    y0, y1 = tile_range(sy, reach * deviation_y, lens[5])
    seen = (z >= _NEAR) & (z <= _FAR)  # NaN is not; nor below
    seen &= (det > _ZERO) & (det < _INFINITY) & (opacity >= _THRESHOLD)
    seen &= within(sx, extent, deviation_x, lens[4]) & within(sy, extent, deviation_y, lens[5])
    seen &= (x0 < x1) & (y0 < y1)
    planes[_RECT[0] + j], planes[_RECT[1] + j] = x0, x1
    planes[_RECT[2] + j], planes[_RECT[3] + j] = y0, y1
    planes[_FIELD[f.MEAN_X] + j], planes[_FIELD[f.MEAN_Y] + j] = sx, sy
    planes[_FIELD[f.SHEAR] + j] = xy / yy
    planes[_FIELD[f.EAST] + j] = xy / deviation_x * math.sqrt(_TWO * level)
    planes[_FIELD[f.NARROW] + j] = math.sqrt(_HALF * yy / det)
    planes[_FIELD[f.FALL] + j] = math.sqrt(_HALF / yy)
    planes[_FIELD[f.LEVEL] + j], planes[_FIELD[f.OPACITY] + j] = level, opacity
    planes[_FIELD[f.DEPTH] + j] = z if seen else _ZERO


@plain_njit(fastmath=MATH, error_model="numpy")
def project_block(planes, view, position, lens, antialiased):
    """Fill the planes of rectangles, fields but for the colour, and bases of the harmonics."""
    rows, eye = as_rows(view), (position[0], position[1], position[2])
    lens = (lens[0], lens[1], lens[2], lens[3], lens[4], lens[5])
    for j in range(_PLANE):
        mean = (planes[_MEAN[0] + j], planes[_MEAN[1] + j], planes[_MEAN[2] + j])
        point = to_camera(rows, *mean)
        row_x, row_y, _, _ = world_jacobian(point, rows, lens)
        quat, _ = unit(
            (planes[_QUAT[0] + j], planes[_QUAT[1] + j], planes[_QUAT[2] + j], planes[_QUAT[3] + j])
        )
        axes = rotation(quat)
        scale = (planes[_SCALE[0] + j], planes[_SCALE[1] + j], planes[_SCALE[2] + j])
        u, v = times_axes(row_x, axes, scale), times_axes(row_y, axes, scale)
        cov, sharp_det, det = covariance(u, v)
        opacity = planes[_FIELD[f.OPACITY] + j]
        opacity *= math.sqrt(sharp_det / det) if antialiased else _ONE
        write_shape(planes, j, point, cov, det, opacity, lens)
        offset = (mean[0] - eye[0], mean[1] - eye[1], mean[2] - eye[2])
        (_, x, y, z), _ = unit((_ZERO, *offset))
        sh_bases(x, y, z, planes, _BASIS + j, _PLANE)


@plain_njit(fastmath=MATH, forceinline=True)
def write_color(sh, i, planes, j):
    """max(SH + 0.5, 0) of Gaussian i, whose bases are those of lane j."""
    red = green = blue = _HALF
    for k in range(sh.shape[1]):
        basis = planes[_BASIS + np.uint64(k) * _PLANE + j]
        red += basis * sh[i, k, 0]
        green += basis * sh[i, k, 1]
        blue += basis * sh[i, k, 2]
    planes[_FIELD[f.RED] + j] = max(red, _ZERO)
    planes[_FIELD[f.GREEN] + j] = max(green, _ZERO)
    planes[_FIELD[f.BLUE] + j] = max(blue, _ZERO)


@plain_njit()
def give_block(planes, sh, first, count, splats, keys, rects):
    """Write what the planes hold of `count` Gaussians from `first` on, those that are seen."""
    for lane in range(count):
        i, j = first + lane, np.uint64(lane)
        depth = planes[_FIELD[f.DEPTH] + j]
        keys[i] = np.float32(depth).view(np.uint32)
        rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3] = 0, 0, 0, 0
        if depth > 0:
            write_color(sh, i, planes, j)
            for c in range(4):
                rects[i, c] = np.int16(planes[_RECT[c] + j])
            for c in range(f.USED):
                splats[i, c] = planes[_FIELD[c] + j]


@cached_njit(parallel=True, fastmath=MATH, error_model="numpy")
def project_gaussians(
    means, quats, scales, opacities, sh, view, position, lens, antialiased, splats, keys, rects
):
    """Fill `splats` [N, FIELDS], depth `keys` uint32 [N] (0 = culled) and `rects` int16 [N, 4].

    view [3, 4] world to camera, position [3] of the camera in the world, lens = (fx, fy, cx, cy,
    width, height), all float32. rects are tile ranges x0, x1, y0, y1, upper ends exclusive and all
    zero where culled. Source: gsplat 1.5.3, ProjectionEWA3DGSFused.cu.
    """
    n = means.shape[0]
    for task in prange(-(-n // TASK)):
        planes = np.ones(_PLANES * LANES, np.float32)
        for first in range(task * TASK, min(n, (task + 1) * TASK), LANES):
            count = min(LANES, n - first)
            take_block(means, quats, scales, opacities, first, count, planes)
            project_block(planes, view, position, lens, antialiased)
            give_block(planes, sh, first, count, splats, keys, rects)
