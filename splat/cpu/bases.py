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
