"""A performance as anybody could give it: less what is the person's own."""

import torch
from torch import Tensor

from avatar.arkit import WEIGHTS

HELD = ("jawOpen", "mouthClose", "tongueOut")  # who speaks rests nowhere, and closures must stay
TRACE = 0.08  # of a unit: so much is half believed, less may be how another face looks at rest
MOST = 0.7  # of a unit that a face may have at rest
LOOKS = tuple(
    (f"eyeLook{there}{side}", f"eyeLook{back}{side}")
    for side in ("Left", "Right")
    for there, back in (("Up", "Down"), ("Out", "In"))
)


def impersonal(weights: Tensor) -> Tensor:
    """ARKit weights [F, 52] of a film, counted from the face that the person mostly has.

    A face is at rest in most of its units most of the time, so the median of a unit is how the
    person looks at rest, and the median gaze is straight ahead. What is full stays full.
    """
    names = list(WEIGHTS)
    moving = torch.tensor([name not in HELD for name in names])
    rest = weights.quantile(0.5, dim=0).clamp(max=MOST) * moving
    found = ((weights - rest) / (1 - rest)).clamp(0, 1)
    believed = (1 + TRACE**4) * found**4 / (found**4 + TRACE**4)
    found = torch.where(moving, found * believed, found)
    for pair in LOOKS:
        there, back = (names.index(name) for name in pair)
        angle = weights[:, there] - weights[:, back]
        angle = angle - angle.quantile(0.5)
        found[:, there], found[:, back] = angle.clamp(0, 1), (-angle).clamp(0, 1)
    return found
