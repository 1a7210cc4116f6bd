"""Measures of a head's motion, on motion whose figures are known."""

import numpy as np
import pytest

from research.evaluation.head import voice as motion

FPS = 50.0
TIMES = np.arange(int(60 * FPS)) / FPS


def sine(degrees: float, hertz: float) -> np.ndarray:
    """[F, 3] that swings in yaw only."""
    return np.stack([degrees * np.sin(2 * np.pi * hertz * TIMES), 0 * TIMES, 0 * TIMES], 1)


def test_a_swing_deviates_by_its_root_mean_square():
    yaw, pitch, roll = motion.deviations(sine(4.0, 0.8), FPS)
    assert yaw == pytest.approx(4 / np.sqrt(2), rel=0.01) and pitch == roll == 0


def test_its_speed_is_that_of_its_derivative():
    speed = motion.speed(sine(2.0, 0.5), FPS)
    assert speed.max() == pytest.approx(2 * np.pi * 0.5 * 2, rel=0.01)
    assert motion.speed(np.zeros((1, 3)), FPS).tolist() == [0]


@pytest.mark.parametrize("exponent", [-2.0, -3.0])
def test_the_slope_of_a_spectrum_is_its_exponent(exponent: float):
    rng = np.random.default_rng(0)
    hertz = np.fft.rfftfreq(8192, 1 / FPS)
    hertz[0] = hertz[1]
    spectrum = rng.normal(size=(2, len(hertz))) * hertz ** (exponent / 2)
    noise = np.fft.irfft(spectrum[0] + 1j * spectrum[1])
    assert motion.slope(noise[:, None], FPS) == pytest.approx(exponent, abs=0.2)


def test_power_is_found_in_its_band():
    both = sine(3.0, 0.7)[:, 0] + sine(1.0, 2.5)[:, 0]
    assert motion.share_of_power(both, FPS) == pytest.approx(0.1, abs=0.01)


def test_noise_of_a_tracker_is_left_out_and_motion_stays():
    clean = sine(3.0, 1.0)
    seen = motion.without_noise(clean + sine(0.5, 12.0), FPS)
    assert np.abs(seen - clean)[50:-50].max() < 0.05


def test_moving_frames_are_counted_where_they_are_asked_for():
    head = sine(3.0, 1.0) * (TIMES < 30)[:, None]
    assert motion.moving(head, FPS, TIMES < 30) > 0.9
    assert motion.moving(head, FPS, TIMES > 31) == 0
    assert np.isnan(motion.moving(head, FPS, TIMES < -1))
