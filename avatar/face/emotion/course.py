"""Feelings over time: how strong each unit is in every frame."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from avatar.face.emotion.presets import Course, Manner
from avatar.face.emotion.timeline import Feelings, Felt

MOMENTS = 1000  # of a recording at which feelings are averaged
SETTLING = 0.8  # seconds in which an apex falls to what stays


@dataclass(frozen=True)
class Expressed:
    """What feelings ask of a face in F frames, before speech has its say."""

    units: dict[str, Tensor]  # ARKit unit → [F] weights in [0, 1]
    speech: Tensor  # [F] how far the mouth moves in speech


def express(feelings: Feelings, frames: int, fps: float, first: int = 0) -> Expressed:
    """The frames from `first` on. Where feelings overlap their units add up, to 1 at most."""
    seconds = (torch.arange(first, first + frames, dtype=torch.float64) + 0.5) / fps
    units: dict[str, Tensor] = {}
    speech = torch.ones(frames, dtype=torch.float64)
    for felt in feelings:
        level = felt.strength * presence(felt, seconds)
        speech += (felt.emotion.speech - 1) * level
        for unit, weight in felt.emotion.units.items():
            units[unit] = units.get(unit, 0) + weight * level
    return Expressed({n: w.clamp(0, 1).float() for n, w in units.items()}, speech.float())


def presence(felt: Felt, seconds: Tensor) -> Tensor:
    """[F] in [0, 1] how present a feeling is at some times: onset, apex, what stays, offset.

    A feeling that a recording begins with is there from its first frame on.
    """
    course = felt.emotion.course
    onset = _rise(seconds - felt.start, course.onset) if felt.start > 0 else torch.ones(())
    settles = _rise(seconds - _apex_end(felt, course), SETTLING)
    offset = _rise(seconds - felt.end, course.offset)
    return onset * (1 - (1 - course.settled) * settles) * (1 - offset)


def _apex_end(felt: Felt, course: Course) -> float:
    return felt.start + (course.onset if felt.start > 0 else 0.0) + course.apex


def _rise(seconds: Tensor, duration: float) -> Tensor:
    """From 0 to 1 with zero slope at both ends."""
    t = (seconds / duration).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mean_manner(feelings: Feelings, seconds: float) -> Manner:
    """The ratios of feelings over the time in which they are felt, on average over a recording."""
    steps = torch.linspace(0, seconds, MOMENTS, dtype=torch.float64)
    shares = [float(felt.strength * presence(felt, steps).mean()) for felt in feelings]

    def ratio(name: str) -> float:
        manners = (felt.emotion.manner for felt in feelings)
        parts = (w * (getattr(m, name) - 1) for w, m in zip(shares, manners, strict=True))
        return max(0.0, 1 + sum(parts))

    return Manner(*(ratio(field.name) for field in fields(Manner)))
