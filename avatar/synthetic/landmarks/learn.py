"""Learn how landmarks err from many made-up people."""

import torch
from torch import Tensor

from avatar.heads import load_head
from avatar.heads.identity import load_shape_space
from avatar.synthetic.landmarks.examples import examples_of
from avatar.synthetic.landmarks.fit import fit_errors, symmetric
from avatar.tracking.landmarks import SKIN, SKIN_POINTS, learnt_landmarks, skin_points
from avatar.vision.follow import load_face_finder
from common.parallel import spread
from common.progress import progress_bar

FIRST_SEED = 100  # below it are the people by whom tracking is judged


def learnt_from(people: int, pictures: int) -> dict[str, Tensor]:
    """The arrays of landmarks_on_anny_head.npz, all but the places learnt anew from so many
    people with so many pictures of each."""
    finder, examples = load_face_finder(), []
    seeds = range(FIRST_SEED, FIRST_SEED + people)
    with progress_bar("people", people, "people/s") as done:
        for one in spread(lambda seed: examples_of(seed, pictures, finder), seeds):
            examples.append(one)
            done()
    found, partner = fit_errors(examples), _partners()
    errors = symmetric(found.errors, partner)
    spreads = (found.spread + found.spread[partner]) / 2
    learnt = learnt_landmarks()
    return {
        "face": learnt.faces.int(),
        "barycentric": learnt.barycentric,
        "errors": _of_all(errors, 0.0),
        "spread": _of_all(spreads, 0.0),
        "person_gain": _of_all(found.person_gain, 1.0),
        "unit_gain": _of_all(found.unit_gain, 1.0),
    }


def _of_all(values: Tensor, elsewhere: float) -> Tensor:
    """Values [L, ...] of the landmarks of the skin as those of all 468."""
    whole = torch.full((SKIN, *values.shape[1:]), elsewhere)
    whole[list(SKIN_POINTS)] = values.float()
    return whole


def _partners() -> Tensor:
    """For each landmark of the skin [L] the one at the mirrored place."""
    points = skin_points(load_head(), load_shape_space().mean)
    return torch.cdist(points * torch.tensor([-1.0, 1.0, 1.0]), points).argmin(1)
