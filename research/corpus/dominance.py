"""Coarticulation by dominance functions, after Cohen and Massaro (1993), "Modeling coarticulation
in synthetic visual speech".

Each phone has for each channel of the mouth a target T, a magnitude α, and rates at which its
dominance grows before the phone and dies away after it; the curve is Σ D·T / Σ D (their eq. 5).
Their D falls exponentially from the phone's centre. Here it has the same tails but is level inside
the phone, D = α·σ(θ_a (t - start))·σ(θ_c (end - t)): curves have no cusps, and a longer phone
comes closer to its target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from audio2mesh.data.phones import SILENCE, Phone
from common.arrays import pick, read_arrays
from common.errors import InputError

CHANNELS = (
    "jawOpen",
    "mouthFunnel",
    "mouthPucker",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthPress",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugUpper",
    "mouthSmile",
    "mouthStretch",
    "tongueOut",
)
"""What moves in speech: ARKit units, left and right together."""

GLIDES = {
    "AW": ("AA", "UH"),
    "AY": ("AA", "IH"),
    "EY": ("EH", "IY"),
    "OW": ("AO", "UW"),
    "OY": ("AO", "IH"),
}
"""Diphthongs are two vowels, each with half the time."""

_PAD = 10.0  # seconds of silence on both sides of a recording
_REACH = 8  # phones on either side that count


@dataclass(frozen=True)
class DominanceModel:
    """What each phone asks of each channel. Immutable; `lead` is common to all phones."""

    phones: tuple[str, ...]
    target: Tensor  # [P, C] in [0, 1]
    magnitude: Tensor  # [P, C] α, positive
    anticipation: Tensor  # [P, C] θ before the phone, 1/s
    carry_over: Tensor  # [P, C] θ after the phone, 1/s
    lead: Tensor  # [C] seconds by which the lips are ahead of the sound


def dominance_curves(model: DominanceModel, phones: Sequence[Phone], times: Tensor) -> Tensor:
    """Curves [F, C] of the channels at times [F] in seconds, float32, differentiable."""
    rows, spans = _segments(model, phones)
    at = times.double()[:, None, None]
    near = _near(spans, times)  # [F, n]
    row, span = rows[near], spans[near]
    start, end = (span[..., i, None] - model.lead.double() for i in (0, 1))  # [F, n, C]
    log_d = (
        model.magnitude.log()[row]
        + logsigmoid(model.anticipation[row] * (at - start))
        + logsigmoid(model.carry_over[row] * (end - at))
    )
    return (log_d.softmax(1) * model.target[row]).sum(1).float()


def _segments(model: DominanceModel, phones: Sequence[Phone]) -> tuple[Tensor, Tensor]:
    """Row [n] of the model and start and end [n, 2] of each part of each phone, padded by silence.

    InputError for phones that overlap or go backwards.
    """
    spans: list[tuple[str, float, float]] = []
    last = phones[0].start if phones else 0.0
    spans.append((SILENCE, last - _PAD, last))
    for phone in phones:
        if not last - 1e-3 <= phone.start <= phone.end:
            raise InputError(f"phone {phone.label} at {phone.start:.3f} s overlaps another phone")
        if phone.start - last > 1e-3:
            spans.append((SILENCE, last, phone.start))
        parts = GLIDES.get(phone.label, (phone.label,))
        edges = np.linspace(phone.start, phone.end, len(parts) + 1)
        spans += list(zip(parts, edges[:-1], edges[1:], strict=True))
        last = phone.end
    spans.append((SILENCE, last, last + _PAD))
    rows = torch.tensor([model.phones.index(label) for label, _, _ in spans])
    return rows, torch.tensor([span[1:] for span in spans], dtype=torch.float64)


def _near(spans: Tensor, times: Tensor) -> Tensor:
    """Indices [F, n] of the segments around each time; all of them where there are few."""
    count = len(spans)
    width = min(count, 2 * _REACH + 1)
    current = torch.searchsorted(spans[:, 0].contiguous(), times.double(), right=True) - 1
    first = (current - _REACH).clamp(0, count - width)
    return first[:, None] + torch.arange(width)


def read_dominance(path: Path) -> DominanceModel:
    """Read a fitted model, .npz. InputError for a file with other channels."""
    data = read_arrays(path)
    if tuple(pick(path, data, "channels").tolist()) != CHANNELS:
        raise InputError(f"{path}: was written for other channels")
    arrays = {
        name: torch.from_numpy(pick(path, data, name).astype(np.float32))
        for name in ("target", "magnitude", "anticipation", "carry_over", "lead")
    }
    return DominanceModel(phones=tuple(pick(path, data, "phones").tolist()), **arrays)
