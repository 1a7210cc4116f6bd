"""The frames that tell most of a person: those that differ most in pose and expression."""

import numpy as np
import torch
from torch import Tensor

from avatar.mesh.vectors import Floats
from avatar.vision.network import Network
from avatar.vision.scores import NAMES, find_scores

DEGREES = 12.0  # of the head's turn that count as much as a full expression does half
EXPRESSION = 2.0


def most_different(points: Tensor, angles: Floats, scores: Network, count: int) -> list[int]:
    """Indices, ascending, of `count` of the faces [F, 478, 3] with angles [F, 3] in degrees, by
    farthest-point sampling (Gonzalez 1985), the most frontal face first."""
    found = torch.cat([find_scores(scores, part, NAMES[1:]) for part in points.split(64)])
    features = np.concatenate([angles / DEGREES, EXPRESSION * found.cpu().numpy()], axis=1)
    return sorted(farthest_points(features, count, int(np.abs(angles).sum(1).argmin())))


def farthest_points(features: Floats, count: int, first: int) -> list[int]:
    """Rows of features [F, D], each the farthest from those before it."""
    chosen = [first]
    away = np.linalg.norm(features - features[first], axis=1)
    while len(chosen) < min(count, len(features)):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return chosen
