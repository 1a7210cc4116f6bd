"""How lips agree with those of a film: by their shape over time, whatever constant delay there is.

A film's sound may be off by a few frames, and so may what solved its motion. So both curves, the
gap between the lips and the mouth's width, are compared at one shift, at which the gaps agree best.
"""

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.evaluation.accuracy import correlation
from audio2mesh.evaluation.articulation import Bounds, mouth_curves, opening_bounds
from audio2mesh.evaluation.score import Score, share
from audio2mesh.evaluation.timing import LARGEST_LAG, best_lag, lag_correlations, overlap
from audio2mesh.model.motion import Motion

NEAR = 1  # frames by which a closure may be missed


def film_scores(
    motion: Motion, true: Motion, bounds: Bounds, face: FaceGeometry, fps: float
) -> dict[str, Score]:
    """Agreement with the true motion [F, ..]; `bounds` say when `motion` is shut.

    `gap_at_shift`, `width_at_shift`: Pearson r. `shift_ms`: how large the shift is. `gap_spread`,
    `width_spread`: ratios of the curves' standard deviations. `closures_agreed`: share of the true
    closures (runs of shut frames) within a frame of which these lips are shut too; what is shut in
    the truth follows from its own openings. `closures_false`: share of these lips' closures in
    which the true ones are not shut. Empty for a motion or a truth that stands still.
    """
    correlations = lag_correlations(lip_gap(motion, face), lip_gap(true, face))
    if not correlations.max() > 0:
        return {}
    shift, frames = int(correlations.argmax()) - LARGEST_LAG, len(true.coefficients)
    mouth, true_mouth = mouth_curves(motion, face), mouth_curves(true, face)
    gaps = overlap(lip_gap(motion, face), lip_gap(true, face), shift)
    widths = overlap(mouth.width, true_mouth.width, shift)
    true_shut = true_mouth.opening < opening_bounds(true_mouth.opening, face).shut
    shut, true_shut = overlap(mouth.opening < bounds.shut, true_shut, shift)
    scores = {
        "gap_at_shift": Score(correlation(*gaps), frames),
        "width_at_shift": Score(correlation(*widths), frames),
        "shift_ms": Score(abs(best_lag(correlations)) * 1e3 / fps, frames),
        "gap_spread": Score(_spread(*gaps), frames),
        "width_spread": Score(_spread(*widths), frames),
        "closures_agreed": share(met(true_shut, shut)),
        "closures_false": share([not hit for hit in met(shut, true_shut)]),
    }
    return {name: score for name, score in scores.items() if score}


def met(runs: Tensor, others: Tensor) -> list[bool]:
    """For each run of true in `runs` [F] whether `others` [F] is true within a frame of it."""
    edges = runs.int().diff(prepend=torch.zeros(1), append=torch.zeros(1))
    starts, ends = (edges == 1).nonzero().flatten(), (edges == -1).nonzero().flatten()
    return [
        bool(others[max(start - NEAR, 0) : end + NEAR].any())
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _spread(ours: Tensor, true: Tensor) -> float:
    return float(ours.std() / true.std()) if true.std() > 0 else float("nan")
