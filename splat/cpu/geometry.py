"""What projection and its gradient share: small vectors and matrices as tuples, row by row;
spherical harmonics of degree 0 to 3 with derivatives by the direction; and a natural logarithm in
plain arithmetic, which vectorises without a vector maths library."""

import math

import numpy as np

from common.kernels import plain_njit
from splat.scene.conventions import BLUR, FRUSTUM_MARGIN, SH_C0, SH_C1, SH_C2, SH_C3

MATH = {"arcp", "nsz"}
"""Fast, but NaN and infinity keep their meaning, sums their order and products their rounding: what
may be reordered or fused is optimised anew when a kernel is kept on disk, and has other last bits
there than in the process that compiled it. A training that is continued would go another way."""

_C0, _C1 = np.float32(SH_C0), np.float32(SH_C1)
_A2, _B2, _C2 = np.float32(SH_C2[0]), np.float32(SH_C2[1]), np.float32(SH_C2[2])
_A3, _B3, _C3 = np.float32(SH_C3[0]), np.float32(SH_C3[1]), np.float32(SH_C3[2])
_D3, _E3 = np.float32(SH_C3[3]), np.float32(SH_C3[4])
BASES = 16  # of degree 3
_U = tuple(np.uint64(k) for k in range(BASES))
_2, _3, _4, _6, _8 = (np.float32(n) for n in (2, 3, 4, 6, 8))


@plain_njit(fastmath=MATH, forceinline=True)
def sh_bases(x, y, z, basis, first, step):
    """Write the 16 bases at the unit direction (x, y, z) to basis[first], basis[first + step], ...

    Degree d takes the first (d + 1)² of them.
    """
    xx, yy, zz = x * x, y * y, z * z
    basis[first] = _C0
    basis[first + step] = -_C1 * y
    basis[first + _U[2] * step] = _C1 * z
    basis[first + _U[3] * step] = -_C1 * x
    basis[first + _U[4] * step] = _A2 * x * y
    basis[first + _U[5] * step] = -_A2 * y * z
    basis[first + _U[6] * step] = _B2 * (_2 * zz - xx - yy)
    basis[first + _U[7] * step] = -_A2 * x * z
    basis[first + _U[8] * step] = _C2 * (xx - yy)
    basis[first + _U[9] * step] = -_A3 * y * (_3 * xx - yy)
    basis[first + _U[10] * step] = _B3 * x * y * z
    basis[first + _U[11] * step] = -_C3 * y * (_4 * zz - xx - yy)
    basis[first + _U[12] * step] = _D3 * z * (_2 * zz - _3 * xx - _3 * yy)
    basis[first + _U[13] * step] = -_C3 * x * (_4 * zz - xx - yy)
    basis[first + _U[14] * step] = _E3 * z * (xx - yy)
    basis[first + _U[15] * step] = -_A3 * x * (xx - _3 * yy)


@plain_njit(fastmath=MATH, forceinline=True)
def sh_direction_gradient(x, y, z, s):
    """Gradient of sum(s[k] · basis[k]) by (x, y, z), s [K]."""
    count = s.shape[0]
    gx = gy = gz = np.float32(0)
    if count > 1:
        gx, gy, gz = -_C1 * s[3], -_C1 * s[1], _C1 * s[2]
    if count > 4:
        gx += _A2 * (y * s[4] - z * s[7]) + _2 * x * (_C2 * s[8] - _B2 * s[6])
        gy += _A2 * (x * s[4] - z * s[5]) - _2 * y * (_C2 * s[8] + _B2 * s[6])
        gz += -_A2 * (y * s[5] + x * s[7]) + _4 * _B2 * z * s[6]
    if count > 9:
        xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
        gx += -_6 * _A3 * xy * s[9] + _B3 * yz * s[10] + _2 * _C3 * xy * s[11]
        gx += -_6 * _D3 * xz * s[12] - _C3 * (_4 * zz - _3 * xx - yy) * s[13]
        gx += _2 * _E3 * xz * s[14] - _3 * _A3 * (xx - yy) * s[15]
        gy += -_3 * _A3 * (xx - yy) * s[9] + _B3 * xz * s[10]
        gy += -_C3 * (_4 * zz - xx - _3 * yy) * s[11] - _6 * _D3 * yz * s[12]
        gy += _2 * _C3 * xy * s[13] - _2 * _E3 * yz * s[14] + _6 * _A3 * xy * s[15]
        gz += _B3 * xy * s[10] - _8 * _C3 * yz * s[11]
        gz += _3 * _D3 * (_2 * zz - xx - yy) * s[12] - _8 * _C3 * xz * s[13]
        gz += _E3 * (xx - yy) * s[14]
    return gx, gy, gz


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


_ROOT_HALF_BITS = np.int32(0x3F3504F3)  # of float32 sqrt(0.5)
_MANTISSA = np.int32(23)  # bits
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
_HALF, _LOGARITHM_ONE = np.float32(0.5), np.float32(1)


@plain_njit(fastmath=MATH, forceinline=True)
def logarithm(x):
    """ln x of a positive, finite, normal float32 to one unit in the last place or so; anything for
    others. Coefficients: Cephes, logf."""
    bits = np.float32(x).view(np.int32)
    exponent = (bits - _ROOT_HALF_BITS) >> _MANTISSA
    m = (
        np.int32(bits - (exponent << _MANTISSA)).view(np.float32) - _LOGARITHM_ONE
    )  # √½ - 1 to √2 - 1
    p = np.float32(7.0376836292e-2)
    p = p * m - np.float32(1.1514610310e-1)
    p = p * m + np.float32(1.1676998740e-1)
    p = p * m - np.float32(1.2420140846e-1)
    p = p * m + np.float32(1.4249322787e-1)
    p = p * m - np.float32(1.6668057665e-1)
    p = p * m + np.float32(2.0000714765e-1)
    p = p * m - np.float32(2.4999993993e-1)
    p = p * m + np.float32(3.3333331174e-1)
    whole = np.float32(exponent)
    return m + (p * m * m * m + whole * _LN2_LOW - _HALF * m * m) + whole * _LN2_HIGH
