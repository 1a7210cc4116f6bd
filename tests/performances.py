"""Made-up performances with known truth: what a perfect network would have found."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.heads.shape_space import SHIFTS
from avatar.tracking.landmarks import LandmarkModel, expected_pixels, landmark_model
from avatar.tracking.model import FaceModel, FrameState, Person, face_model
from avatar.tracking.residuals import place
from avatar.tracking.stages import UPRIGHT

SIZE = 512.0


@dataclass(frozen=True)
class Performance:
    model: FaceModel
    landmarks: LandmarkModel
    person: Person
    states: list[FrameState]
    points: list[Tensor]  # [478, 2] pixels


def performance(frames: int = 16, seed: int = 1, focal: float = 600.0) -> Performance:
    """Somebody who turns the head and moves a few units at a time."""
    model = face_model()
    landmarks = landmark_model(model)
    random = torch.Generator().manual_seed(seed)
    shape = torch.zeros(len(model.modes), dtype=torch.float64)
    shape[SHIFTS:] = 0.8 * torch.randn(len(shape) - SHIFTS, generator=random, dtype=torch.float64)
    person = Person(shape, focal, (SIZE / 2, SIZE / 2))
    states = [_state(model, frame, random) for frame in range(frames)]
    points = []
    for state in states:
        found = torch.zeros(478, 2, dtype=torch.float64)
        placed = place(landmarks.points, person, state)
        found[landmarks.index] = expected_pixels(landmarks, person, state, placed).double()
        points.append(found)
    return Performance(model, landmarks, person, states, points)


def _state(model: FaceModel, frame: int, random: torch.Generator) -> FrameState:
    turn = [0.2 * np.sin(0.7 * frame), 0.6 * np.sin(0.31 * frame + 0.2), 0.1 * np.sin(frame)]
    weights = torch.zeros(len(model.units), dtype=torch.float64)
    used = torch.randperm(len(weights), generator=random)[:4]
    weights[used] = 0.7 * torch.rand(4, generator=random, dtype=torch.float64)
    place = torch.tensor([0.01 * np.sin(frame), 0.0, 0.55 + 0.05 * np.cos(frame)])
    rotation = UPRIGHT.double() @ axis_angle_to_matrix(torch.tensor(turn, dtype=torch.float64))
    return FrameState(rotation, place.double(), weights)


def degrees_between(a: FrameState, b: FrameState) -> float:
    cosine = ((a.rotation.T @ b.rotation).trace() - 1) / 2
    return float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))))
