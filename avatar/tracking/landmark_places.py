"""Where the network sees the landmarks of one person: each a little off where everybody has it, and
the same way in all frames."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from avatar.tracking.equations import place
from avatar.tracking.landmarks import (
    HUBER,
    SKIN,
    WIDER,
    LandmarkModel,
    expected_pixels,
    visible_share,
)
from avatar.tracking.state import Moment, Person

TREMBLE = 0.6  # of a landmark's learnt spread: what differs from frame to frame
SHARED = 5.0  # frames err together: so many of them tell as much as one
ROUNDS = 2  # of the offsets and how much each frame is to be believed


def with_own_places(
    landmarks: LandmarkModel, person: Person, moments: Sequence[Moment], found: Sequence[Tensor]
) -> LandmarkModel:
    """The landmarks, each moved in head space by what frames with points [478, 2] ask for together,
    as far as its learnt spread allows; pupils stay."""
    spread = landmarks.spread.double() / WIDER
    offsets = torch.zeros(len(spread), 3, dtype=torch.float64)
    for _ in range(ROUNDS):
        system = spread.pow(-2)[:, None, None] * torch.eye(3).double()
        right = torch.zeros_like(offsets)
        there = _moved(landmarks, offsets)
        for moment, points in zip(moments, found, strict=True):
            weight, ways, missing = _asked(there, person, moment, points)
            pulling = weight[:, None, None] * ways.mT  # [L, 3, 2]
            system += pulling @ ways
            wanted = missing[..., None] + ways @ offsets[..., None]  # [L, 2, 1]
            right += (pulling @ wanted)[..., 0]
        offsets = torch.linalg.solve(system, right)
        offsets[landmarks.index >= SKIN] = 0
    return _moved(landmarks, offsets)


def _moved(landmarks: LandmarkModel, offsets: Tensor) -> LandmarkModel:
    """The landmarks after offsets [L, 3] in head space."""
    points = landmarks.points
    return replace(landmarks, points=replace(points, mean=points.mean + offsets.to(points.mean)))


def _asked(
    landmarks: LandmarkModel, person: Person, moment: Moment, found: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """How surely [L] a frame shows each landmark, how its pixel goes with its place in head space
    [L, 2, 3], and how many pixels [L, 2] are missing to where it was found."""
    placed = place(landmarks.points, person, moment)
    depth = placed.camera[:, 2].double()
    expected = expected_pixels(landmarks, person, moment, placed).double()
    missing = found[landmarks.index].double() - expected
    scale = person.focal / depth
    tremble = TREMBLE / WIDER * landmarks.spread.double() * scale
    far = missing.norm(dim=1) / tremble
    share = visible_share(landmarks.normals, moment, placed).double()
    weight = share * (HUBER / far.clamp(min=HUBER)) / tremble**2 / SHARED
    away = (placed.pixels.double() - torch.tensor(person.centre).double()) / depth[:, None]
    across = torch.cat([torch.eye(2).double() * scale[:, None, None], -away[..., None]], 2)
    return weight, across @ moment.rotation.double(), missing
