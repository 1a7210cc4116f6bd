"""The filters before the period meter are Butterworth's."""

import numpy as np
from scipy.signal import butter

from audio2mesh.prosody.pitch import _FILTERS
from audio2mesh.sound import SAMPLE_RATE


def test_the_sections_are_those_of_butterworth_filters():
    high = butter(2, 60, "highpass", fs=SAMPLE_RATE, output="sos")
    band = butter(2, (80, 1000), "bandpass", fs=SAMPLE_RATE, output="sos")
    for found, expected in zip(_FILTERS, (high, band), strict=True):
        assert np.allclose(found, np.asarray(expected), rtol=1e-12, atol=0)
