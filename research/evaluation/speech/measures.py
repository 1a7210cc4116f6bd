"""All measures of one row of the table; vertex errors, dynamics, temporal misalignment and sync."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.data.lips import (
    Bounds,
    correlation,
    lip_acceleration,
    lip_opening,
    lip_vertex_error,
    opening_bounds,
)
from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.offsets import lse
from research.evaluation.speech.articulation import (
    Score,
    Scores,
    articulation,
    mouth_curves,
    pause_closure,
    pool,
    silences,
)
from research.evaluation.speech.films import film_scores
from research.evaluation.speech.recordings import Recording

MEASURES: Mapping[str, str] = {
    "lve_mm2": "lip vertex error, mm² ↓",
    "lve_mm": "its square root, mm ↓",
    "mve_mm": "mean vertex error, mm ↓",
    "fdd": "upper-face dynamics deviation, mm² → 0",
    "fdd_abs": "its absolute value per clip, mm² ↓",
    "lse_d": "lip-sync distance ↓",
    "lse_c": "lip-sync confidence ↑",
    "mtm_ms": "temporal misalignment, ms ↓",
    "lip_gap_correlation": "correlation of the lip gap ↑",
    "closure_mbp": "lips shut on m, b, p ↑",
    "contact_fv": "lip near teeth on f, v ↑",
    "open_vowels": "lips open on open vowels ↑",
    "rounding": "corners drawn in on rounded ↑",
    "pause_closure": "lips shut in pauses ↑",
    "jitter_ratio": "lip acceleration over truth's → 1",
    "shift_ms": "shift at which gaps agree best, ms ↓",
    "gap_at_shift": "correlation of the gap, shifted ↑",
    "gap_in_speech": "without long silences ↑",
    "gap_spread": "its deviation over truth's → 1",
    "width_at_shift": "correlation of the width, shifted ↑",
    "width_in_speech": "without long silences ↑",
    "width_spread": "its deviation over truth's → 1",
    "closures_agreed": "truth's closures found ↑",
    "closures_called": "at m, b, p and in silence ↑",
    "closures_uncalled": "at other phones ↑",
    "closures_false": "closures that truth lacks ↓",
    "per": "phone error rate of lip-reading ↓",
    "wer": "word error rate of lip-reading ↓",
    "amplitude": "widest openings over truth's → 1",
}
"""The keys of a row and what they mean; the arrow says which way is better."""

Judge = Callable[[Motion, Recording, float], Scores]
"""Measures of a motion [F, ..] at a frame rate that need more than geometry: sync, lip-reading."""
Figures = dict[str, float | None]

_SHORTEST = 1.0  # seconds; in less the offsets of LSE-D and LSE-C do not fit


def sync_judge(net: SyncNet3D, face: FaceGeometry) -> Judge:
    """LSE-D and LSE-C by a SyncNet3D; recordings count by their frames.

    Results are measured by the instance that is kept for that, choices by the one of the loss.
    """

    def judge(motion: Motion, recording: Recording, fps: float) -> dict[str, Score]:
        if recording.seconds < _SHORTEST:
            return {}
        mel = log_mel(torch.from_numpy(recording.audio))
        distance, confidence = lse(net, motion, mel, face, fps)
        frames = len(motion.coefficients)
        return {"lse_d": Score(distance, frames), "lse_c": Score(confidence, frames)}

    return judge


def row_figures(
    recordings: Sequence[Recording],
    motions: Sequence[Motion],
    face: FaceGeometry,
    fps: float,
    judge: Judge,
    done: Callable[[], None] = lambda: None,
) -> tuple[Figures, list[Figures]]:
    """The figures of a row over all recordings, and those of each recording.

    What counts as shut and open follows from the row's openings in all recordings together.
    """
    bounds = opening_bounds(torch.cat([lip_opening(m, face) for m in motions]), face)
    scores = []
    for recording, motion in zip(recordings, motions, strict=True):
        own = recording_scores(motion, recording, face, bounds, fps)
        scores.append(own | judge(motion, recording, fps))
        done()
    return figures(scores), [figures([score]) for score in scores]


def figures(scores: Sequence[Scores]) -> Figures:
    """Every key of MEASURES from pooled scores; None where the recordings cannot tell."""
    values = pool(scores)
    if "lve_mm2" in values:
        values["lve_mm"] = math.sqrt(values["lve_mm2"])
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    return {name: finite.get(name) for name in MEASURES}


def medians(recordings: Sequence[Figures]) -> Figures:
    """Of each key the median over the recordings that have it."""
    known = {key: [v for r in recordings if (v := r[key]) is not None] for key in MEASURES}
    return {key: float(np.median(values)) if values else None for key, values in known.items()}


def recording_scores(
    motion: Motion, recording: Recording, face: FaceGeometry, bounds: Bounds, fps: float
) -> dict[str, Score]:
    """Everything that geometry, phones and truth say of one recording."""
    mouth, frames = mouth_curves(motion, face), len(motion.coefficients)
    scores = articulation(mouth, bounds, recording.phones, fps)
    pauses = silences(recording.audio, recording.phones)
    if closed := pause_closure(mouth.opening, bounds, pauses, fps):
        scores["pause_closure"] = closed
    true = recording.truth(fps, frames)
    if true is None:
        return scores
    films = film_scores(motion, true, bounds, pauses, recording.phones, face, fps)
    return scores | truth_scores(motion, true, face, fps) | films


def truth_scores(motion: Motion, true: Motion, face: FaceGeometry, fps: float) -> dict[str, Score]:
    """What a comparison with the true motion says."""
    frames = len(true.coefficients)
    gap, true_gap = lip_gap(motion, face), lip_gap(true, face)
    fdd = upper_face_dynamics_deviation(motion, true, face)
    distances = misalignments(gap, true_gap, fps)
    acceleration, wide = lip_acceleration(true, face, fps), _wide(lip_opening(true, face))
    scores = {
        "lve_mm2": Score(lip_vertex_error(motion, true, face), frames),
        "mve_mm": Score(mean_vertex_error(motion, true), frames),
        "fdd": Score(fdd, 1),
        "fdd_abs": Score(abs(fdd), 1),
        "lip_gap_correlation": Score(correlation(gap, true_gap), frames),
    }
    if len(distances):
        scores["mtm_ms"] = Score(distances.mean() * 1e3 / fps, len(distances))
    if acceleration > 0:
        ratio = lip_acceleration(motion, face, fps) / acceleration
        scores["jitter_ratio"] = Score(ratio, frames * acceleration)
    if wide > 0:
        scores["amplitude"] = Score(_wide(lip_opening(motion, face)) / wide, frames * wide)
    return scores


def _wide(opening: torch.Tensor) -> float:
    return float(np.quantile(opening.numpy(), 0.95))


_CHUNK = 256  # frames whose vertices are in memory at once


def mean_vertex_error(predicted: Motion, true: Motion) -> float:
    """MVE in mm: mean over frames and all vertices of the distance, as ScanTalk's."""
    pairs = zip(predicted.coefficients.split(_CHUNK), true.coefficients.split(_CHUNK), strict=True)
    apart = (
        Motion(a, predicted.basis).offsets() - Motion(b, true.basis).offsets() for a, b in pairs
    )
    total = sum(float(chunk.norm(dim=-1).sum()) for chunk in apart)
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


_SMOOTHING = 2.0  # frames: standard deviation of the Gaussian before extrema are sought
_BAND = 1.0  # seconds that a warp may lead or trail
_FLAT = 1e-5  # metres: an extremum that stands out by less is rounding


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
