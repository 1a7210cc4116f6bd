"""Filters, against scipy.signal's."""

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from common.filters import filtered


def test_a_stream_is_filtered_as_scipy_does():
    """.. column by column, in parts as in one, bit for bit."""
    sections = np.asarray(butter(5, (0.1, 0.4), "bandpass", output="sos"))
    values = np.random.default_rng(1).normal(size=(1000, 3))
    state = np.zeros((len(sections), 2, 3))
    parts = [filtered(sections, part, state) for part in np.split(values, [1, 17, 600])]
    expected = np.asarray(sosfilt(sections, values, axis=0))
    assert np.array_equal(np.concatenate(parts), expected)
    assert values[0, 0] != expected[0, 0]  # what was given stays


def test_poles_alone():
    values = np.random.default_rng(2).normal(size=(200, 1))
    a = np.polymul([1, -0.9], [1, -0.5])
    found = filtered(np.array([[0.3, 0, 0, *a]]), values, np.zeros((1, 2, 1)))
    assert np.allclose(found, np.asarray(lfilter([0.3], a, values, axis=0)), rtol=1e-13, atol=1e-15)
