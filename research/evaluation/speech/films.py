"""How lips agree with those of a film: by their shape over time, whatever constant delay there is.

A film's sound may be off by some frames, and so may what solved its motion. So both curves, the
gap between the lips and the mouth's width, are compared at one shift, at which the gaps agree best.
What a mouth does while nobody speaks, such as breathing in, no sound can tell: the same figures are
also given without long silences.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.data.lips import (
    Bounds,
    best_shift,
    correlation,
    deep_pauses,
    opening_bounds,
    overlap,
)
from audio2mesh.data.phones import BILABIALS, SILENCE, Phone
from audio2mesh.model.motion import Motion
from research.evaluation.figures import runs
from research.evaluation.speech.articulation import Score, mouth_curves, phone_frames, share

NEAR = 1  # frames by which a closure may be missed


def film_scores(
    motion: Motion,
    true: Motion,
    bounds: Bounds,
    pauses: np.ndarray,
    phones: Sequence[Phone],
    face: FaceGeometry,
    fps: float,
) -> dict[str, Score]:
    """Agreement with the true motion [F, ..]; `bounds` say when `motion` is shut, `pauses` [n, 2]
    (seconds) when nobody speaks.

    `gap_at_shift`, `width_at_shift`: Pearson r at the shift of at most 0.2 s that suits the gap
    best; `gap_in_speech`, `width_in_speech`: without what lies deep in pauses. `shift_ms`: the size
    of the shift. `gap_spread`, `width_spread`: ratios of the standard deviations, in speech.
    `closures_agreed`: share of the true closures (runs of shut frames) within a frame of which
    these lips are shut too; what is shut in the truth follows from its own openings.
    `closures_called`: the same for those that meet an m, b, p or a silence of `phones`, which shut
    anybody's lips; `closures_uncalled`: for the others, such as a w or f that nearly shuts them.
    `closures_false`: share of these lips' closures in which the true ones are open. Empty where
    nothing correlates.
    """
    shift = best_shift(lip_gap(motion, face), lip_gap(true, face), fps)
    if math.isnan(shift):
        return {}
    whole, frames = round(shift), len(true.coefficients)
    speech = torch.from_numpy(~deep_pauses(pauses, fps, frames))
    mouth, true_mouth = mouth_curves(motion, face), mouth_curves(true, face)
    gaps = overlap(lip_gap(motion, face), lip_gap(true, face), whole)
    widths = overlap(mouth.width, true_mouth.width, whole)
    true_shut = true_mouth.opening < opening_bounds(true_mouth.opening, face).shut
    shut, true_shut = overlap(mouth.opening < bounds.shut, true_shut, whole)
    _, said = overlap(speech, speech, whole)
    called = _called(phones, fps, frames)
    _, called = overlap(called, called, whole)
    hits = list(zip(met(true_shut, shut), met(true_shut, called, near=0), strict=True))
    found = {
        "gap_at_shift": Score(correlation(*gaps), frames),
        "width_at_shift": Score(correlation(*widths), frames),
        "shift_ms": Score(abs(shift) * 1e3 / fps, frames),
        "closures_agreed": share([hit for hit, _ in hits]),
        "closures_called": share([hit for hit, by_phone in hits if by_phone]),
        "closures_uncalled": share([hit for hit, by_phone in hits if not by_phone and phones]),
        "closures_false": share([not hit for hit in met(shut, true_shut)]),
    }
    for name, (ours, theirs) in (("gap", gaps), ("width", widths)):
        found[f"{name}_in_speech"] = Score(correlation(ours[said], theirs[said]), frames)
        found[f"{name}_spread"] = Score(_spread(ours[said], theirs[said]), frames)
    return {name: score for name, score in found.items() if score}


def met(frames: Tensor, others: Tensor, near: int = NEAR) -> list[bool]:
    """For each run of true in frames [F] whether `others` [F] is true within `near` frames."""
    return [bool(others[max(a - near, 0) : b + near].any()) for a, b in runs(frames.numpy())]


def _called(phones: Sequence[Phone], fps: float, frames: int) -> Tensor:
    """[F] whether a phone shuts the lips, or nobody speaks."""
    found = torch.zeros(frames, dtype=torch.bool)
    for phone in phones:
        if phone.label in BILABIALS | {SILENCE}:
            found[phone_frames(phone, fps, frames)] = True
    return found


def _spread(ours: Tensor, true: Tensor) -> float:
    return float(ours.std() / true.std()) if len(true) > 1 and true.std() > 0 else float("nan")
