"""The logarithm of plain arithmetic against NumPy's in float64."""

import numpy as np

from common.kernels import plain_njit
from splat.cpu.geometry import logarithm


@plain_njit()
def logarithms(values, results):
    for i in range(len(values)):
        results[i] = logarithm(values[i])


def test_it_is_the_natural_logarithm() -> None:
    values = np.geomspace(1e-37, 3e38, 300_001).astype(np.float32)
    values = np.concatenate([values, np.linspace(0.5, 2, 100_001, dtype=np.float32)])
    results = np.empty_like(values)
    logarithms(values, results)
    expected = np.log(values.astype(np.float64))
    assert np.abs(results - expected).max() <= 8e-6, "one unit in the last place of ln 3e38"
    assert (np.abs(results - expected) <= 1.5e-7 * np.abs(expected)).mean() > 0.999


def test_the_logarithm_of_one_is_exactly_nought() -> None:
    result = np.empty(1, np.float32)
    logarithms(np.ones(1, np.float32), result)
    assert result[0] == 0
