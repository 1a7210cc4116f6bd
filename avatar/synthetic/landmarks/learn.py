"""Learn how landmarks err from many made-up people."""

import torch
from torch import Tensor

from avatar.synthetic.landmarks.examples import examples_of
from avatar.synthetic.landmarks.fit import fit_errors, symmetric
from avatar.tracking.landmark_errors import FEATURES
from avatar.tracking.landmarks import SKIN, SKIN_POINTS, landmark_model, learnt_landmarks
from avatar.tracking.model import face_model
from avatar.vision.follow import load_face_finder
from common.parallel import spread
from common.progress import progress_bar

FIRST_SEED = 100  # below it are the people by whom tracking is judged


def learnt_from(people: int, pictures: int) -> dict[str, Tensor]:
    """The arrays of landmarks_on_anny_head.npz, `errors` and `spread` learnt anew from so many
    people with so many pictures of each."""
    finder, examples = load_face_finder(), []
    seeds = range(FIRST_SEED, FIRST_SEED + people)
    with progress_bar("people", people, "people/s") as done:
        for one in spread(lambda seed: examples_of(seed, pictures, finder), seeds):
            examples.append(one)
            done()
    found, left = fit_errors(examples)
    errors, spreads = torch.zeros(SKIN, 2, FEATURES), torch.zeros(SKIN)
    index, before, partner = torch.tensor(SKIN_POINTS), learnt_landmarks(), _partners()
    errors[index] = symmetric(found, partner).float()
    spreads[index] = ((left + left[partner]) / 2).float()
    return {
        "face": before.faces.int(),
        "barycentric": before.barycentric,
        "errors": errors,
        "spread": spreads,
    }


def _partners() -> Tensor:
    """For each landmark of the skin [L] the one at the mirrored place."""
    points = landmark_model(face_model()).points.mean[: len(SKIN_POINTS)]
    return torch.cdist(points * torch.tensor([-1.0, 1.0, 1.0]), points).argmin(1)
