"""Learn how landmarks err from many made-up people."""

import torch
from torch import Tensor

from avatar.synthetic.landmarks.examples import examples_of
from avatar.synthetic.landmarks.fit import fit_errors
from avatar.tracking.landmark_errors import FEATURES
from avatar.tracking.landmarks import SKIN, SKIN_POINTS, learnt_landmarks
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
    index, before = torch.tensor(SKIN_POINTS), learnt_landmarks()
    errors[index], spreads[index] = found.float(), left.float()
    return {
        "face": before.faces.int(),
        "barycentric": before.barycentric,
        "errors": errors,
        "spread": spreads,
    }
