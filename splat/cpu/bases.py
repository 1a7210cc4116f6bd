"""Spherical harmonics of degree 0 to 3 for one Gaussian, and their derivatives by the direction."""

import numpy as np

from common.kernels import plain_njit
from splat.scene.conventions import SH_C0, SH_C1, SH_C2, SH_C3

MATH = {"arcp", "nsz"}
"""Fast, but NaN and infinity keep their meaning, sums their order and products their rounding: what
may be reordered or fused is optimised anew when a kernel is kept on disk, and has other last bits
there than in the process that compiled it. A training that is continued would go another way."""

_C0, _C1 = np.float32(SH_C0), np.float32(SH_C1)
_A2, _B2, _C2 = np.float32(SH_C2[0]), np.float32(SH_C2[1]), np.float32(SH_C2[2])
_A3, _B3, _C3 = np.float32(SH_C3[0]), np.float32(SH_C3[1]), np.float32(SH_C3[2])
_D3, _E3 = np.float32(SH_C3[3]), np.float32(SH_C3[4])
_2, _3, _4, _6, _8 = (np.float32(n) for n in (2, 3, 4, 6, 8))


@plain_njit(fastmath=MATH)
def sh_bases(x, y, z, basis):
    """Fill `basis` [K], K = 1, 4, 9 or 16, at the unit direction (x, y, z)."""
    count = basis.shape[0]
    basis[0] = _C0
    if count > 1:
        basis[1], basis[2], basis[3] = -_C1 * y, _C1 * z, -_C1 * x
    if count > 4:
        basis[4], basis[5] = _A2 * x * y, -_A2 * y * z
        basis[6] = _B2 * (_2 * z * z - x * x - y * y)
        basis[7], basis[8] = -_A2 * x * z, _C2 * (x * x - y * y)
    if count > 9:
        xx, yy, zz = x * x, y * y, z * z
        basis[9] = -_A3 * y * (_3 * xx - yy)
        basis[10] = _B3 * x * y * z
        basis[11] = -_C3 * y * (_4 * zz - xx - yy)
        basis[12] = _D3 * z * (_2 * zz - _3 * xx - _3 * yy)
        basis[13] = -_C3 * x * (_4 * zz - xx - yy)
        basis[14] = _E3 * z * (xx - yy)
        basis[15] = -_A3 * x * (xx - _3 * yy)


@plain_njit(fastmath=MATH)
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
