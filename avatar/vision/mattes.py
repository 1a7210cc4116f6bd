"""How much of each pixel is the person, and how much is hair.

The networks see the whole picture, small. Their mattes are carried to the full size by a guided
filter, so that they follow the picture's edges.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from avatar.vision.guided import guided_upsampling
from avatar.vision.network import Network, load_network

SIZE, HAIR_SIZE = 256, 512  # pixels of the networks' inputs; the filter works at the smaller one


class Matting(NamedTuple):
    """The networks of both mattes."""

    person: Network
    hair: Network


def load_matting(device: torch.device | str = "cpu") -> Matting:
    return Matting(load_network("person", device), load_network("hair", device))


def find_mattes(matting: Matting, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [N, H, W, 3] in [0, 1] → mattes [N, H, W] of the person, and of hair, in [0, 1]."""
    small, larger = _resized(pictures, SIZE), _resized(pictures, HAIR_SIZE)
    (person,) = matting.person(small)
    no_matte_before = torch.zeros_like(larger[..., :1])
    (logits,) = matting.hair(torch.cat([larger, no_matte_before], -1))
    hair = _resized((logits[..., 1:] - logits[..., :1]).sigmoid(), SIZE)  # softmax of two
    mattes = guided_upsampling(torch.cat([person, hair], -1), small, pictures)
    person, hair = mattes.unbind(-1)
    return person, torch.minimum(hair, person)  # what looks like hair behind a person is none


def _resized(pictures: Tensor, size: int) -> Tensor:
    """[N, H, W, C] → [N, size, size, C], each pixel the mean of what it covers."""
    channels_first = pictures.permute(0, 3, 1, 2)
    resized = F.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)
