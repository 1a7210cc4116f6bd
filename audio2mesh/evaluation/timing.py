"""Distances between predicted and true motion of one recording, their lag, and mean temporal
misalignment."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.motion import Motion

_CHUNK = 256  # frames whose vertices are in memory at once


def lip_vertex_error(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """LVE in mm²: mean over frames of the largest squared distance of a lip vertex.

    As CodeTalker's cal_metric.py computes it (it prints squared units of the data set).
    """
    error = predicted.offsets(face.lips) - true.offsets(face.lips)
    return float(error.square().sum(-1).amax(-1).mean() * 1e6)


def mean_vertex_error(predicted: Motion, true: Motion) -> float:
    """MVE in mm: mean over frames and all vertices of the distance, as ScanTalk's."""
    pairs = zip(predicted.coefficients.split(_CHUNK), true.coefficients.split(_CHUNK), strict=True)
    total = sum(
        float(
            (Motion(a, predicted.basis).offsets() - Motion(b, true.basis).offsets())
            .norm(dim=-1)
            .sum()
        )
        for a, b in pairs
    )
    return total / (len(true.coefficients) * true.basis.shape[1]) * 1e3


def upper_face_dynamics_deviation(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """FDD in mm², signed: positive when the true upper face moves more.

    Mean over the upper face's vertices of the standard deviation over time of the squared offset
    from rest, true minus predicted, as CodeTalker's cal_metric.py. NaN without an upper face.
    """
    return float((_dynamics(true, face) - _dynamics(predicted, face)).mean() * 1e6)


def _dynamics(motion: Motion, face: FaceGeometry) -> Tensor:
    squared = motion.offsets(face.upper_face).square().sum(-1)  # [F, u]
    return squared.std(0, correction=0)


def lip_acceleration(motion: Motion, face: FaceGeometry, fps: float) -> float:
    """Mean over frames and lip vertices of the length of the acceleration, m/s²."""
    second = motion.offsets(face.lips).diff(n=2, dim=0)
    return float(second.norm(dim=-1).mean() * fps**2)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's r of two curves [F]; NaN where one of them is constant."""
    a, b = a.double() - a.double().mean(), b.double() - b.double().mean()
    sizes = (a.norm() * b.norm()).item()
    return float(torch.dot(a, b)) / sizes if sizes > 1e-12 else float("nan")


LARGEST_LAG = 12  # frames
_SMOOTHING = 2.0  # frames: standard deviation of the Gaussian before extrema are sought
_BAND = 1.0  # seconds that a warp may lead or trail
_FLAT = 1e-5  # metres: an extremum that stands out by less is rounding


def lag_correlations(gap: Tensor, true_gap: Tensor, largest: int = LARGEST_LAG) -> np.ndarray:
    """Correlation [2 largest + 1] of the curves [F] where `gap` is taken to be late by -largest ..
    largest frames."""
    known = len(gap) - 2

    def shifted(k: int) -> float:
        return correlation(*overlap(gap, true_gap, k))

    lags = range(-largest, largest + 1)
    return np.nan_to_num(np.array([shifted(k) if abs(k) <= known else 0.0 for k in lags]))


def overlap(curve: Tensor, true: Tensor, shift: int) -> tuple[Tensor, Tensor]:
    """The parts of two curves [F] that belong together where `curve` is late by `shift` frames."""
    frames = len(true)
    late = curve[max(shift, 0) : frames + min(shift, 0)]
    return late, true[max(-shift, 0) : frames - max(shift, 0)]


def best_lag(correlations: np.ndarray) -> float:
    """Lag in frames of highest correlation, positive for late motion; NaN without any correlation.

    Between frames the peak is that of the parabola through the best lag and its neighbours.
    """
    best, largest = int(correlations.argmax()), len(correlations) // 2
    if correlations[best] <= 0:
        return float("nan")
    if not 0 < best < len(correlations) - 1:
        return float(best - largest)
    before, peak, after = correlations[best - 1 : best + 2]
    bend = before - 2 * peak + after
    return best - largest + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def misalignments(gap: Tensor, true_gap: Tensor, fps: float) -> np.ndarray:
    """Frames [n] between extrema of a gap [F] and the true extrema that they belong to.

    Their mean is MTM (arXiv 2503.20308): both curves are smoothed (Gaussian, σ 2 frames) and
    aligned by derivative dynamic time warping, here within one second; a pair of extrema of one
    kind on the path counts where the predicted one lies between the true extremum's neighbours.
    """
    true_curve, curve = (gaussian_filter1d(g.double().numpy(), _SMOOTHING) for g in (true_gap, gap))
    true_extrema, extrema = _extrema(true_curve), _extrema(curve)
    ordered = np.array(sorted(true_extrema))
    path = warping_path(_slope(true_curve), _slope(curve), max(1, round(_BAND * fps)))
    found = []
    for i, j in path:
        if i in true_extrema and true_extrema[i] == extrema.get(j):
            place = int(np.searchsorted(ordered, i))
            low = ordered[place - 1] if place else 0
            high = ordered[place + 1] if place + 1 < len(ordered) else len(curve) - 1
            if low <= j <= high:
                found.append(abs(i - j))
    return np.array(found, float)


def warping_path(a: np.ndarray, b: np.ndarray, band: int) -> list[tuple[int, int]]:
    """Cheapest monotonic pairing of curves [F] by absolute difference with |i - j| <= band."""
    frames, width = len(a), 2 * band + 1
    cost = np.full((frames + 1, width + 2), np.inf)  # column band + 1 + j - i
    cost[0, band + 1] = 0.0
    for i in range(1, frames + 1):
        above = np.minimum(cost[i - 1, 1:-1], cost[i - 1, 2:])
        j = np.arange(i - band, i + band + 1)
        inside = (j >= 1) & (j <= frames)
        step = np.where(inside, np.abs(a[i - 1] - b[np.clip(j, 1, frames) - 1]), np.inf)
        left = np.inf
        for k in np.flatnonzero(inside):
            left = step[k] + min(above[k], left)
            cost[i, k + 1] = left
    return _walk_back(cost, frames, band)


def _walk_back(cost: np.ndarray, frames: int, band: int) -> list[tuple[int, int]]:
    path, i, k = [], frames, band + 1
    while i > 0 and (j := i + k - band - 1) > 0:
        path.append((i - 1, j - 1))
        diagonal, up, left = cost[i - 1, k], cost[i - 1, k + 1], cost[i, k - 1]
        if diagonal <= min(up, left):
            i -= 1
        elif up <= left:
            i, k = i - 1, k + 1
        else:
            k -= 1
    return path[::-1]


def _slope(curve: np.ndarray) -> np.ndarray:
    return np.diff(curve, prepend=curve[0])


def _extrema(curve: np.ndarray) -> dict[int, str]:
    """Frames of the maxima and minima of a curve in metres."""
    kinds = (("maximum", curve), ("minimum", -curve))
    return {int(i): k for k, c in kinds for i in find_peaks(c, prominence=_FLAT)[0]}
