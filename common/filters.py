"""Recursive filters of streams, without the seconds that scipy.signal takes to be imported."""

import numpy as np
from numpy.typing import NDArray

from common.kernels import cached_njit

Doubles = NDArray[np.float64]


def filtered(sections: Doubles, values: NDArray[np.floating], state: Doubles) -> Doubles:
    """Columns of values [S, C] after second-order sections [n, 6], rows b0 b1 b2 1 a1 a2.

    state [n, 2, C]: zeros at first; it is changed to that after the last row, for what follows.
    In the transposed direct form II, as scipy.signal.sosfilt.
    """
    assert sections.shape[1] == 6 and state.shape == (len(sections), 2, values.shape[1])
    result = np.array(values, np.float64, order="C")
    _filter(sections, result, state)
    return result


@cached_njit()
def _filter(sections: Doubles, values: Doubles, state: Doubles) -> None:
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            for s in range(sections.shape[0]):
                b0, b1, b2, _, a1, a2 = sections[s]
                made = b0 * value + state[s, 0, column]
                state[s, 0, column] = b1 * value - a1 * made + state[s, 1, column]
                state[s, 1, column] = b2 * value - a2 * made
                value = made
            values[row, column] = value
