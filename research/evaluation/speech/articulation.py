"""Visible articulation at phones: closed, in contact, open, rounded, at rest.

The opening is the height of the gap between the lips at its widest point, zero at rest. Closed is
less than 15 % of the 95th percentile of the row's openings, open is more than 40 % of it, which
real motion reaches in 99 of 100 open vowels. So that a row gains nothing by moving much or little,
closed also means under 2.5 % of the distance of the mouth's corners at rest (1.5 mm in 60 mm), open
over 8 % (4.8 mm); a gap under 1 % (0.6 mm) is invisible and counts as closed. Each figure of a
recording has a weight, by which figures of many recordings are averaged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import find_pauses
from audio2mesh.data.face_geometry import FaceGeometry, teeth_distance
from audio2mesh.data.lips import Bounds, deep_pauses, lip_opening, mouth_width
from audio2mesh.data.phones import BILABIALS, LABIODENTALS, OPEN_VOWELS, ROUNDED, SILENCE, Phone
from audio2mesh.model.motion import Motion


@dataclass(frozen=True)
class Score:
    """A mean over `weight` items: frames, phones, extrema, recordings."""

    value: float
    weight: float


Scores = dict[str, Score]


def pool(scores: Sequence[Scores]) -> dict[str, float]:
    """Weighted mean of each score over the recordings that have it; items count alike."""
    found: dict[str, list[Score]] = {}
    for recording in scores:
        for name, score in recording.items():
            if math.isfinite(score.value):
                found.setdefault(name, []).append(score)
    return {
        name: float(np.average([s.value for s in each], weights=[s.weight for s in each]))
        for name, each in found.items()
    }


def share(hits: Sequence[bool]) -> Score | None:
    """The share of hits; None where there was nothing to hit."""
    return Score(sum(hits) / len(hits), len(hits)) if len(hits) else None


_NEAR_TEETH = 0.65  # of the lower lip's distance from the upper teeth at rest
_ROUND = 0.95  # of the width between the corners at rest
_SHORTEST_VOWEL, _SHORTEST_AH = 0.06, 0.1  # seconds; shorter ones are reduced
_TOUCH = 0.015  # seconds between silences that are one


@dataclass(frozen=True)
class Mouth:
    """The curves [F] that articulation is read from."""

    opening: Tensor  # metres
    width: Tensor  # between the corners, relative to rest
    teeth: Tensor | None  # from the lower lip to the upper teeth, relative to rest


def mouth_curves(motion: Motion, face: FaceGeometry) -> Mouth:
    """The curves of a motion [F, ..]."""
    opening, width = lip_opening(motion, face), mouth_width(motion, face)
    return Mouth(opening, width, _teeth_distance(motion, face))


def _teeth_distance(motion: Motion, face: FaceGeometry) -> Tensor | None:
    """Mean distance [F] of the lower inner lip's middle third from the upper teeth, over rest's."""
    if not len(face.upper_teeth):
        return None
    still = Motion(torch.zeros(1, len(motion.basis)), motion.basis)
    return teeth_distance(motion, face) / teeth_distance(still, face)


def articulation(
    mouth: Mouth, bounds: Bounds, phones: Sequence[Phone], fps: float
) -> dict[str, Score]:
    """Shares of phones that the mouth does right; a measure without phones is absent.

    A phone's frames are those with their centre inside it and one more at each end, for errors of
    alignment; one right frame is enough. `closure_mbp`: the lips are shut. `contact_fv`: the lower
    lip is at 65 % of its rest distance from the upper teeth or less (a dropping jaw alone passes
    them at 69 %), and the opening at 12.5 % of the mouth's width or less.
    `open_vowels` (of at least 60 ms; AH of 100 ms, as without stress marks a shorter one is mostly
    a schwa): the lips are open. `rounding`: the corners are at 95 % of their rest distance or less.
    """
    shut, open = mouth.opening < bounds.shut, mouth.opening > bounds.open
    checks = {
        "closure_mbp": (BILABIALS, shut),
        "open_vowels": (OPEN_VOWELS, open),
        "rounding": (ROUNDED, mouth.width <= _ROUND),
    }
    if mouth.teeth is not None:
        near = (mouth.teeth <= _NEAR_TEETH) & (mouth.opening <= bounds.contact)
        checks["contact_fv"] = (LABIODENTALS, near)
    found = {
        name: share(_reached(right, phones, labels, fps))
        for name, (labels, right) in checks.items()
    }
    return {name: score for name, score in found.items() if score}


def _reached(
    right: Tensor, phones: Sequence[Phone], labels: frozenset[str], fps: float
) -> list[bool]:
    """For each phone of these labels whether one of its frames is right."""
    return [
        bool(right[frames].any())
        for phone in phones
        if phone.label in labels and not _reduced(phone)
        if len(frames := phone_frames(phone, fps, len(right)))
    ]


def _reduced(phone: Phone) -> bool:
    shortest = _SHORTEST_AH if phone.label == "AH" else _SHORTEST_VOWEL
    return phone.label in OPEN_VOWELS and phone.end - phone.start < shortest - 1e-6


def phone_frames(phone: Phone, fps: float, frames: int) -> range:
    """Frames with their centre inside a phone, and one more at each end."""
    first = math.ceil(phone.start * fps - 0.5) - 1
    last = math.floor(phone.end * fps - 0.5) + 1
    return range(max(first, 0), min(last + 1, frames))


def pause_closure(
    opening: Tensor, bounds: Bounds, silences: np.ndarray, fps: float
) -> Score | None:
    """Share of the frames deep inside silences [n, 2] (seconds) with the lips shut."""
    deep = torch.from_numpy(deep_pauses(silences, fps, len(opening)))
    return share((opening[deep] < bounds.shut).tolist())


def silences(audio: np.ndarray, phones: Sequence[Phone]) -> np.ndarray:
    """Start and end [n, 2] in seconds of silences: the phones' own, or heard if there are none."""
    if not phones:
        return find_pauses(audio)
    found: list[tuple[float, float]] = []
    for phone in phones:
        if phone.label == SILENCE:
            follows = found and abs(found[-1][1] - phone.start) < _TOUCH
            start = found.pop()[0] if follows else phone.start
            found.append((start, phone.end))
    return np.array(found).reshape(-1, 2)
