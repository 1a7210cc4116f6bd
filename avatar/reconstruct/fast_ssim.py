"""Sum of the weighted SSIM of two pictures and its gradient on the CPU, compiled.

The twin of `ssim_map`, whose convolutions are slow on the CPU: three passes over rows, each in
parallel and without two threads writing to one place.
"""

import numpy as np
from numba import prange
from numpy.typing import NDArray

from avatar.capture.ssim import C1, C2, WINDOW, gaussian_window
from common.kernels import cached_njit

Floats = NDArray[np.float32]

_WEIGHTS = tuple(gaussian_window().float().tolist())
_C1, _C2, _TWO = np.float32(C1), np.float32(C2), np.float32(2)


def ssim_and_gradient(a: Floats, b: Floats, weights: Floats) -> tuple[float, Floats]:
    """Sum over windows of weight times SSIM, and its gradient by `a`.

    a, b [H, W, 3] in [0, 1]; weights [H, W], that of a window being the weight of its centre.
    """
    window = np.array(_WEIGHTS, np.float32)
    blurred = _blur_rows(a, b, window)
    sums, partials = _compare(blurred, weights, window)
    return float(sums.sum()), _spread(a, b, partials, window)


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _blur_rows(a: Floats, b: Floats, window: Floats) -> Floats:
    """[3, H, 5, W - 10]: a, b, a², b² and ab, blurred along the rows."""
    height, width = a.shape[0], a.shape[1]
    inner = width - WINDOW + 1
    blurred = np.zeros((3, height, 5, inner), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        planes = np.empty((5, width), np.float32)
        for j in range(width):
            x, y = a[row, j, c], b[row, j, c]
            planes[0, j], planes[1, j] = x, y
            planes[2, j], planes[3, j], planes[4, j] = x * x, y * y, x * y
        for p in range(5):
            for k in range(WINDOW):
                w = window[k]
                for j in range(inner):
                    blurred[c, row, p, j] += w * planes[p, j + k]
    return blurred


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _compare(
    blurred: Floats, weights: Floats, window: Floats
) -> tuple[NDArray[np.float64], Floats]:
    """Sums of each row; their derivatives [3, H - 10, 3, W - 10] by mean a, mean a², mean ab."""
    height, inner = blurred.shape[1] - WINDOW + 1, blurred.shape[3]
    sums = np.zeros(3 * height, np.float64)
    partials = np.empty((3, height, 3, inner), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        m = np.zeros((5, inner), np.float32)
        for k in range(WINDOW):
            w = window[k]
            for p in range(5):
                for j in range(inner):
                    m[p, j] += w * blurred[c, row + k, p, j]
        total = np.float32(0)
        for j in range(inner):
            x, y, xx, yy, xy = m[0, j], m[1, j], m[2, j], m[3, j], m[4, j]
            top_1, top_2 = _TWO * x * y + _C1, _TWO * (xy - x * y) + _C2
            low_1, low_2 = x * x + y * y + _C1, xx - x * x + yy - y * y + _C2
            weight = weights[row + WINDOW // 2, j + WINDOW // 2]
            scaled = weight / (low_1 * low_2)
            ssim = top_1 * top_2 * scaled
            total += ssim
            by_x = _TWO * scaled * y * (top_2 - top_1) - _TWO * x * ssim * (low_2 - low_1) / (
                low_1 * low_2
            )
            partials[c, row, 0, j] = by_x
            partials[c, row, 1, j] = -ssim / low_2
            partials[c, row, 2, j] = _TWO * scaled * top_1
        sums[task] = total
    return sums, partials


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def _spread(a: Floats, b: Floats, partials: Floats, window: Floats) -> Floats:
    """Gradient by a [H, W, 3]: the derivatives of all windows that a pixel lies in."""
    height, width = a.shape[0], a.shape[1]
    inner_height, inner = partials.shape[1], partials.shape[3]
    gradient = np.empty((3, height, width), np.float32)
    for task in prange(3 * height):
        c, row = task // height, task % height
        columns = np.zeros((3, inner), np.float32)
        for k in range(max(0, row - inner_height + 1), min(WINDOW, row + 1)):
            w = window[k]
            for p in range(3):
                for j in range(inner):
                    columns[p, j] += w * partials[c, row - k, p, j]
        wide = np.zeros((3, width), np.float32)
        for p in range(3):
            for k in range(WINDOW):
                w = window[k]
                for j in range(inner):
                    wide[p, j + k] += w * columns[p, j]
        for j in range(width):
            x, y = a[row, j, c], b[row, j, c]
            gradient[c, row, j] = wide[0, j] + _TWO * x * wide[1, j] + y * wide[2, j]
    return gradient
