"""How lips move, and how well they agree with true ones: openings, widths, errors, delays; and
the figures of a training log.

`research.evaluation` has more measures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import find_pauses
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.model.motion import Motion

_SHUT, _OPEN = 0.15, 0.4  # of the 95th percentile of the opening
_INVISIBLE, _LARGEST_SHUT, _SMALLEST_OPEN = 0.01, 0.025, 0.08  # of the mouth's width
_LARGEST_CONTACT = 0.125  # of the mouth's width: opening beyond which a lip only passes the teeth
_PAUSE_SECONDS = 0.4
_PAUSE_BORDER = 0.15  # seconds at both ends of a pause in which the mouth may still move
LARGEST_LAG = 12  # frames
LARGEST_SHIFT = 0.2  # seconds


@dataclass(frozen=True)
class Bounds:
    """Openings in metres."""

    shut: float  # below, the lips are shut
    open: float  # above, they are open
    contact: float  # above, the lower lip is no longer held to the upper teeth


def lip_opening(motion: Motion, face: FaceGeometry) -> Tensor:
    """Height [.., F] in metres of the gap between the lips where it is widest, beyond rest."""
    upper, lower = (motion.offsets(i)[..., 1] for i in face.pairs)
    return (upper - lower).amax(-1).clamp_min(0)


def opening_bounds(openings: Tensor, face: FaceGeometry) -> Bounds:
    """Bounds for a speaker who opens the mouth by `openings` [n] metres in all recordings."""
    wide = float(np.quantile(openings.numpy(), 0.95))
    mouth = float(_width(face.rest[face.corners]))
    shut = min(max(_SHUT * wide, _INVISIBLE * mouth), _LARGEST_SHUT * mouth)
    return Bounds(shut, max(_OPEN * wide, _SMALLEST_OPEN * mouth), _LARGEST_CONTACT * mouth)


def mouth_width(motion: Motion, face: FaceGeometry) -> Tensor:
    """Distance [.., F] between the mouth's corners, relative to rest."""
    corners = face.corners
    return _width(face.rest[corners] + motion.offsets(corners)) / _width(face.rest[corners])


def _width(ends: Tensor) -> Tensor:
    """Distance [..] of two points [.., 2, 3]."""
    return (ends[..., 0, :] - ends[..., 1, :]).norm(dim=-1)


def deep_pauses(silences: np.ndarray, fps: float, frames: int) -> np.ndarray:
    """Frames [F] whose centre lies in a silence of 0.4 s or more, over 0.15 s from its ends."""
    centres = (np.arange(frames) + 0.5) / fps
    deep = np.zeros(frames, bool)
    for start, end in silences:
        if end - start >= _PAUSE_SECONDS - 1e-6:
            deep |= (centres > start + _PAUSE_BORDER) & (centres < end - _PAUSE_BORDER)
    return deep


def lip_vertex_error(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """LVE in mm²: mean over frames of the largest squared distance of a lip vertex.

    As CodeTalker's cal_metric.py computes it (it prints squared units of the data set).
    """
    error = predicted.offsets(face.lips) - true.offsets(face.lips)
    return float(error.square().sum(-1).amax(-1).mean() * 1e6)


def lip_acceleration(motion: Motion, face: FaceGeometry, fps: float) -> float:
    """Mean over frames and lip vertices of the length of the acceleration, m/s²."""
    second = motion.offsets(face.lips).diff(n=2, dim=0)
    return float(second.norm(dim=-1).mean() * fps**2)


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's r of two curves [F]; NaN where one of them is constant."""
    a, b = a.double() - a.double().mean(), b.double() - b.double().mean()
    sizes = (a.norm() * b.norm()).item()
    return float(torch.dot(a, b)) / sizes if sizes > 1e-12 else float("nan")


def overlap(curve: Tensor, true: Tensor, shift: int) -> tuple[Tensor, Tensor]:
    """The parts of two curves [F] that belong together where `curve` is late by `shift` frames."""
    frames = len(true)
    late = curve[max(shift, 0) : frames + min(shift, 0)]
    return late, true[max(-shift, 0) : frames - max(shift, 0)]


def lag_correlations(gap: Tensor, true_gap: Tensor, largest: int = LARGEST_LAG) -> np.ndarray:
    """Correlation [2 largest + 1] of the curves [F] where `gap` is taken to be late by -largest ..
    largest frames."""
    known = len(gap) - 2

    def shifted(k: int) -> float:
        return correlation(*overlap(gap, true_gap, k))

    lags = range(-largest, largest + 1)
    return np.nan_to_num(np.array([shifted(k) if abs(k) <= known else 0.0 for k in lags]))


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


def best_shift(gap: Tensor, true_gap: Tensor, fps: float, largest: float = LARGEST_SHIFT) -> float:
    """Frames by which `gap` [F] is late, at most `largest` seconds either way, where the two
    correlate best; NaN where they do not."""
    return float(best_lag(lag_correlations(gap, true_gap, int(largest * fps + 1e-6))))


def motion_scores(
    predicted: Motion, true: Motion, face: FaceGeometry, audio: np.ndarray, fps: float
) -> dict[str, float]:
    """Scores of motions [F, ..] for a recording [S] at 16 kHz.

    `gap_correlation`: Pearson r of the lip gaps. `lve_mm2` and `lve_ratio`: mean over frames of the
    largest squared distance of a lip vertex, and its ratio to that of a face that never moves.
    `pause_closure`: share of frames deep in pauses with the lips shut. `lag_ms`: how late the
    predicted gap comes. `amplitude`: ratio of the 95th percentiles of the gaps. `jitter_ratio`:
    ratio of the accelerations of the lips.
    """
    gap, true_gap = lip_gap(predicted, face), lip_gap(true, face)
    still = Motion(torch.zeros_like(true.coefficients), true.basis)
    error = lip_vertex_error(predicted, true, face)
    opening = lip_opening(predicted, face)
    deep = torch.from_numpy(deep_pauses(find_pauses(audio), fps, len(opening)))
    shut = (opening < opening_bounds(opening, face).shut)[deep]
    accelerations = [lip_acceleration(motion, face, fps) for motion in (predicted, true)]
    return {
        "gap_correlation": correlation(gap, true_gap),
        "lve_mm2": error,
        "lve_ratio": error / lip_vertex_error(still, true, face),
        "pause_closure": float(shut.float().mean()),
        "lag_ms": best_lag(lag_correlations(gap, true_gap)) * 1e3 / fps,
        "amplitude": float(gap.quantile(0.95) / true_gap.quantile(0.95)),
        "jitter_ratio": accelerations[0] / accelerations[1],
    }


def format_scores(scores: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in scores.items())
