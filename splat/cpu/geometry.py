"""What the projection and its gradient share. Vectors and matrices are tuples, row by row."""

import math

import numpy as np

from common.kernels import plain_njit
from splat.cpu.bases import MATH
from splat.scene.conventions import BLUR, FRUSTUM_MARGIN

_BLUR, _ONE, _TWO = np.float32(BLUR), np.float32(1), np.float32(2)


@plain_njit()
def as_rows(matrix):
    """A matrix [3, 4] as tuples, which need not be read again after every write to an array."""
    return (
        (matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]),
        (matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]),
        (matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]),
    )


@plain_njit(fastmath=MATH, forceinline=True)
def to_camera(view, x, y, z):
    """A world point in camera coordinates; view 3 rows of 4."""
    return (
        view[0][0] * x + view[0][1] * y + view[0][2] * z + view[0][3],
        view[1][0] * x + view[1][1] * y + view[1][2] * z + view[1][3],
        view[2][0] * x + view[2][1] * y + view[2][2] * z + view[2][3],
    )


@plain_njit(fastmath=MATH, forceinline=True)
def unit(vector):
    """A vector [3] or quaternion [4] at length one, as four numbers, and its inverse length."""
    w, x, y, z = vector
    inverse = _ONE / math.sqrt(w * w + x * x + y * y + z * z)
    return (w * inverse, x * inverse, y * inverse, z * inverse), inverse


@plain_njit(fastmath=MATH, forceinline=True)
def rotation(quat):
    """Rotation matrix of a unit quaternion wxyz."""
    w, x, y, z = quat
    return (
        (_ONE - _TWO * (y * y + z * z), _TWO * (x * y - w * z), _TWO * (x * z + w * y)),
        (_TWO * (x * y + w * z), _ONE - _TWO * (x * x + z * z), _TWO * (y * z - w * x)),
        (_TWO * (x * z - w * y), _TWO * (y * z + w * x), _ONE - _TWO * (x * x + y * y)),
    )


@plain_njit(fastmath=MATH, forceinline=True)
def clamped_slope(slope, size, focal, principal):
    """x/z (or y/z) kept within the image plus a margin, for the Jacobian; whether it was inside."""
    margin = np.float32(FRUSTUM_MARGIN) * size / focal
    low, high = -(principal / focal + margin), (size - principal) / focal + margin
    return min(high, max(low, slope)), low <= slope and slope <= high


@plain_njit(fastmath=MATH, forceinline=True)
def world_jacobian(point, view, lens):
    """Rows of d(pixel)/d(world) at a camera-space point: perspective Jacobian times rotation.

    Also the clamped slopes x/z and y/z that it was taken at, and whether they are free (unclamped).
    """
    fx, fy, cx, cy, width, height = lens[0], lens[1], lens[2], lens[3], lens[4], lens[5]
    x, y, z = point
    inv_z = _ONE / z
    slope_x, free_x = clamped_slope(x * inv_z, width, fx, cx)
    slope_y, free_y = clamped_slope(y * inv_z, height, fy, cy)
    j00, j02 = fx * inv_z, -fx * slope_x * inv_z
    j11, j12 = fy * inv_z, -fy * slope_y * inv_z
    row_x = (
        j00 * view[0][0] + j02 * view[2][0],
        j00 * view[0][1] + j02 * view[2][1],
        j00 * view[0][2] + j02 * view[2][2],
    )
    row_y = (
        j11 * view[1][0] + j12 * view[2][0],
        j11 * view[1][1] + j12 * view[2][1],
        j11 * view[1][2] + j12 * view[2][2],
    )
    return row_x, row_y, (slope_x, slope_y), (free_x, free_y)


@plain_njit(fastmath=MATH, forceinline=True)
def times_axes(row, axes, scale):
    """row [3] times the rotation `axes`, column by column times `scale`: one row of J R S."""
    return (
        (row[0] * axes[0][0] + row[1] * axes[1][0] + row[2] * axes[2][0]) * scale[0],
        (row[0] * axes[0][1] + row[1] * axes[1][1] + row[2] * axes[2][1]) * scale[1],
        (row[0] * axes[0][2] + row[1] * axes[1][2] + row[2] * axes[2][2]) * scale[2],
    )


@plain_njit(fastmath=MATH, forceinline=True)
def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@plain_njit(fastmath=MATH, forceinline=True)
def covariance(u, v):
    """Blurred 2D covariance (xx, xy, yy) of the rows u, v of J R S; determinants before and after.

    The first is |u × v|^2 (Lagrange's identity), free of the cancellation in xx·yy - xy^2.
    """
    xx, xy, yy = dot(u, u), dot(u, v), dot(v, v)
    normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    sharp_det = dot(normal, normal)
    det = sharp_det + _BLUR * (xx + yy) + _BLUR * _BLUR
    return (xx + _BLUR, xy, yy + _BLUR), sharp_det, det
