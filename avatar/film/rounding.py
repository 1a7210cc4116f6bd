"""Float pictures to bytes."""

import numpy as np
from numpy.typing import NDArray

from common.kernels import cached_njit

_ZERO, _HALF, _LEVELS, _TOP = (np.float32(value) for value in (0, 0.5, 255, 255.5))


def rounded(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Levels in [0, 1] of any shape → 0..255, clipped and rounded; what is no number becomes 0."""
    result = np.empty(image.shape, np.uint8)
    _round_into(np.ascontiguousarray(image).reshape(-1), result.reshape(-1))
    return result


@cached_njit()
def _round_into(levels: NDArray[np.float32], result: NDArray[np.uint8]) -> None:
    """On one thread: it takes a tenth of a millisecond, as a plain loop is vectorised."""
    for i in range(len(levels)):
        value = levels[i] * _LEVELS + _HALF
        value = value if value > _ZERO else _ZERO
        value = value if value < _TOP else _TOP
        result[i] = np.uint8(np.int32(value))
