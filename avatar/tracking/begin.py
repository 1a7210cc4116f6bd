"""Where a head is in a frame, from its landmarks alone: the start of everything else."""

import torch
from torch import Tensor

from avatar.tracking.landmarks import LandmarkModel
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

UPRIGHT = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # head space (+y up, +z out) to camera axes
STEPS = 10


def first_moment(
    model: FaceModel, landmarks: LandmarkModel, person: Person, found: Tensor
) -> Moment:
    """Scaled orthography with iterations towards perspective (POSIT, DeMenthon and Davis 1995),
    from landmarks [478, 2] in pixels."""
    points = landmarks.points.of_person(person.shape).mean.double()  # [L, 3]
    rays = (found[landmarks.index].double() - torch.tensor(person.centre)) / person.focal
    middle = points.mean(0)
    arms = points - middle
    depth = torch.ones(len(points), dtype=torch.float64)  # of each point over that of the middle
    rotation, shift = UPRIGHT.double(), torch.zeros(3, dtype=torch.float64)
    onto = torch.linalg.pinv(arms)  # [3, L]
    for _ in range(STEPS):
        seen = rays * depth[:, None]
        rows = (onto @ (seen - seen.mean(0))).T  # [2, 3]
        sizes = rows.norm(dim=1)
        first, second = rows / sizes[:, None]
        guess = torch.stack([first, second, torch.linalg.cross(first, second)])
        u, _, vt = torch.linalg.svd(guess)
        rotation = u @ torch.diag(torch.tensor([1.0, 1.0, float((u @ vt).det())]).double()) @ vt
        distance = 1 / sizes.mean()
        shift = torch.cat([seen.mean(0), torch.ones(1)]) * distance
        depth = 1 + arms @ rotation[2] / distance
    translation = shift - rotation @ middle
    return Moment(rotation, translation, torch.zeros(len(model.units), dtype=torch.float64))
