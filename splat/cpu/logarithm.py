"""A natural logarithm of plain arithmetic, which vectorises without a vector maths library."""

import numpy as np

from common.kernels import plain_njit
from splat.cpu.bases import MATH

_ROOT_HALF_BITS = np.int32(0x3F3504F3)  # of float32 sqrt(0.5)
_MANTISSA = np.int32(23)  # bits
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
_HALF, _ONE = np.float32(0.5), np.float32(1)


@plain_njit(fastmath=MATH, forceinline=True)
def logarithm(x):
    """ln x of a positive, finite, normal float32 to one unit in the last place or so; anything for
    others. Coefficients: Cephes, logf."""
    bits = np.float32(x).view(np.int32)
    exponent = (bits - _ROOT_HALF_BITS) >> _MANTISSA
    m = np.int32(bits - (exponent << _MANTISSA)).view(np.float32) - _ONE  # √½ - 1 to √2 - 1
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
