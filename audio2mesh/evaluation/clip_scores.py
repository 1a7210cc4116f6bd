"""How well predicted motion agrees with the truth of one recording: the figures of a training log.

`audio2mesh.evaluation` has the measures themselves, and more of them for many recordings.
"""

from collections.abc import Mapping

import numpy as np
import torch

from audio2mesh.data.clips import find_pauses
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.evaluation.articulation import lip_opening, opening_bounds, pause_closure
from audio2mesh.evaluation.timing import (
    best_lag,
    correlation,
    lag_correlations,
    lip_acceleration,
    lip_vertex_error,
)
from audio2mesh.model.motion import Motion


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
    closure = pause_closure(opening, opening_bounds(opening, face), find_pauses(audio), fps)
    accelerations = [lip_acceleration(motion, face, fps) for motion in (predicted, true)]
    return {
        "gap_correlation": correlation(gap, true_gap),
        "lve_mm2": error,
        "lve_ratio": error / lip_vertex_error(still, true, face),
        "pause_closure": float(closure.value) if closure else float("nan"),
        "lag_ms": best_lag(lag_correlations(gap, true_gap)) * 1e3 / fps,
        "amplitude": float(gap.quantile(0.95) / true_gap.quantile(0.95)),
        "jitter_ratio": accelerations[0] / accelerations[1],
    }


def format_scores(scores: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in scores.items())
