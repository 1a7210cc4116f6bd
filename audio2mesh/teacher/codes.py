"""Crops as a few numbers: what speech must tell of a mouth, cheap to learn on long windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.teacher.expert import Film, resting_crop

_FRAMES = 1500  # spread over all films, from which the codes are made
_SMALLER = 4  # pixels of a crop, in each direction, that make one of a code's


@dataclass(frozen=True)
class CropCode:
    """Principal directions of how crops differ from the resting mouth."""

    directions: Tensor  # [K, 22 * 22]

    def __call__(self, crops: Tensor, resting: Tensor) -> Tensor:
        """Crops [B, F, 88, 88] in [0, 1] and resting mouths [B, 88, 88] → codes [B, F, K]."""
        return _small(crops - resting[:, None]) @ self.directions.T


def crop_code(films: Sequence[Film], count: int) -> CropCode:
    """Codes of K numbers; the first has RMS 1, each further one the root of its share of that."""
    total = sum(len(film.crops) for film in films)
    every = max(1, total // _FRAMES)
    changes = [
        _small(torch.from_numpy(np.array(film.crops[::every])).float() / 255 - resting_crop(film))
        for film in films
    ]
    _, sizes, directions = torch.linalg.svd(torch.cat(changes), full_matrices=False)
    assert count <= len(sizes)
    rms = (sizes[:count] / sum(map(len, changes)) ** 0.5).clamp_min(1e-6)
    return CropCode(directions[:count] / (rms * rms[0]).sqrt()[:, None])


def _small(crops: Tensor) -> Tensor:
    """[.., 88, 88] → [.., 22 * 22]."""
    return functional.avg_pool2d(crops, _SMALLER).flatten(-2)
