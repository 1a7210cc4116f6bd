"""How well predicted motion agrees with the truth of one recording."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from audio2mesh.clips import find_pauses
from audio2mesh.losses import FaceGeometry, lip_gap
from audio2mesh.motion import Motion

_PAUSE_SECONDS = 0.4
_PAUSE_BORDER = 0.15  # seconds at both ends of a pause in which the mouth may still move
_OPEN_SHARE = 0.15  # of the 95th percentile of the gap: below it the lips are shut
_LARGEST_LAG = 12  # frames


def motion_scores(
    predicted: Motion, true: Motion, face: FaceGeometry, audio: np.ndarray, fps: float
) -> dict[str, float]:
    """Scores of motions [F, ..] for a recording [S] at 16 kHz.

    `gap_correlation`: Pearson r of the lip gaps. `lve_mm2` and `lve_ratio`: mean over frames of the
    largest squared distance of a lip vertex, and its ratio to that of a face that never moves.
    `pause_closure`: share of frames deep in pauses with a gap under 15 % of its 95th percentile.
    `lag_frames`: shift of the predicted gap that fits best, positive when it comes late.
    `amplitude`: ratio of the 95th percentiles of the gaps. `jitter_ratio`: ratio of the RMS second
    differences of the lips.
    """
    gap, true_gap = lip_gap(predicted, face), lip_gap(true, face)
    still = Motion(torch.zeros_like(true.coefficients), true.basis)
    error = lip_vertex_error(predicted, true, face)
    return {
        "gap_correlation": correlation(gap, true_gap),
        "lve_mm2": error,
        "lve_ratio": error / lip_vertex_error(still, true, face),
        "pause_closure": pause_closure(gap, audio, fps),
        "lag_frames": float(lag(gap, true_gap)),
        "amplitude": float(gap.quantile(0.95) / true_gap.quantile(0.95)),
        "jitter_ratio": jitter(predicted, face) / jitter(true, face),
    }


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's r of two curves [F]."""
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def lip_vertex_error(predicted: Motion, true: Motion, face: FaceGeometry) -> float:
    """LVE in mm²: mean over frames of the largest squared distance of a lip vertex."""
    error = predicted.offsets(face.lips) - true.offsets(face.lips)
    return float(error.square().sum(-1).amax(-1).mean() * 1e6)


def lag(gap: Tensor, true_gap: Tensor) -> int:
    """Frames by which `gap` follows `true_gap`: the shift of highest correlation."""
    frames = len(gap)

    def shifted(k: int) -> float:
        late = gap[max(k, 0) : frames + min(k, 0)]
        return correlation(late, true_gap[max(-k, 0) : frames - max(k, 0)])

    return max(range(-_LARGEST_LAG, _LARGEST_LAG + 1), key=shifted)


def jitter(motion: Motion, face: FaceGeometry) -> float:
    """RMS second difference of the lip vertices, metres per frame²."""
    return float(motion.offsets(face.lips).diff(n=2, dim=0).square().sum(-1).mean().sqrt())


def pause_closure(gap: Tensor, audio: np.ndarray, fps: float) -> float:
    """Share of frames deep inside pauses with the lips shut; NaN where there is no such frame."""
    deep = torch.from_numpy(deep_pauses(audio, fps, len(gap)))
    shut = gap < _OPEN_SHARE * gap.quantile(0.95)
    return float(shut[deep].float().mean())


def deep_pauses(audio: np.ndarray, fps: float, frames: int) -> np.ndarray:
    """Frames [F] whose centre lies in a pause of 0.4 s or more, over 0.15 s away from speech."""
    centres = (np.arange(frames) + 0.5) / fps
    deep = np.zeros(frames, bool)
    for start, end in find_pauses(audio):
        if end - start >= _PAUSE_SECONDS:
            deep |= (centres > start + _PAUSE_BORDER) & (centres < end - _PAUSE_BORDER)
    return deep


def format_scores(scores: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in scores.items())
