"""How much, how fast and at what frequencies a head moves, whatever is said."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import butter, sosfiltfilt, welch

from avatar.mesh.vectors import Bools, Floats

HIGHEST_HZ = 7.0  # what is faster is taken for the tracker's noise
WINDOW_SECONDS = 2.5
SLOPE_HZ, ORDINARY_HZ = (0.3, 6.0), (1.9, 3.7)
SPECTRUM_SECONDS = 10.0
MOVES = 1.0  # degrees a second


def without_noise(angles: Floats, fps: float) -> Floats:
    """Angles [F, n] less what lies above HIGHEST_HZ."""
    if fps <= 2 * HIGHEST_HZ or len(angles) < 16:
        return angles
    low = butter(4, HIGHEST_HZ, fs=fps, output="sos")
    return sosfiltfilt(low, angles, axis=0)


def deviations(angles: Floats, fps: float) -> Floats:
    """Standard deviations [n] within WINDOW_SECONDS, the median over all such windows."""
    length = min(len(angles), round(WINDOW_SECONDS * fps))
    windows = sliding_window_view(angles, length, axis=0)  # [W, n, length]
    return np.median(windows.std(axis=2), axis=0)


def speed(angles: Floats, fps: float) -> Floats:
    """Angular speed [F] in degrees a second of yaw, pitch and roll [F, 3] in degrees, which are
    small enough to be taken for a rotation vector."""
    if len(angles) < 2:
        return np.zeros(len(angles))
    return np.linalg.norm(np.gradient(angles, axis=0), axis=1) * fps


def spectrum(angles: Floats, fps: float) -> tuple[Floats, Floats]:
    """Frequencies [f] and the power [f, n] of angles [F, n] at each."""
    length = min(len(angles), round(SPECTRUM_SECONDS * fps))
    hertz, power = welch(angles, fps, nperseg=length, axis=0)
    return hertz, power


def slope(angles: Floats, fps: float) -> float:
    """Exponent of the frequency by which the power falls, the mean of all angles."""
    hertz, power = spectrum(angles, fps)
    told = (hertz >= SLOPE_HZ[0]) & (hertz <= min(SLOPE_HZ[1], 0.45 * fps))
    fitted = np.polyfit(np.log(hertz[told]), np.log(power[told] + 1e-20), 1)  # [2, n]
    return float(fitted[0].mean())


def share_of_power(angle: Floats, fps: float, band: tuple[float, float] = ORDINARY_HZ) -> float:
    """Share of an angle's [F] power in a band."""
    hertz, power = spectrum(angle[:, None], fps)
    within = (hertz >= band[0]) & (hertz < band[1])
    return float(power[within].sum() / max(power.sum(), 1e-20))


def moving(angles: Floats, fps: float, frames: Bools) -> float:
    """Share of the given frames in which the head moves; nan where there are none."""
    return float((speed(angles, fps)[frames] > MOVES).mean()) if frames.any() else float("nan")
