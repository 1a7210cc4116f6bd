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
SOLID, FADED = 0.95, 0.6  # of a matte: all is the person's colour, and what is behind may show
REACH = 1 / 128  # of a picture's longer side: twice as far away solid pixels lend their colours


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


def own_colours(picture: Tensor, matte: Tensor) -> Tensor:
    """A picture [H, W, 3] with the colours of the person alone where the matte [H, W] is soft: what
    is behind shines through there, and would be seen on every other background.

    They are those of the solid pixels around; where the person is not, the picture stays.
    """
    solid = (matte > SOLID)[..., None].to(picture)
    sums = torch.cat([picture * solid, solid], 2).permute(2, 0, 1)[None]
    sums = F.avg_pool2d(sums, max(1, round(REACH * max(matte.shape))), ceil_mode=True)
    sums = F.avg_pool2d(F.avg_pool2d(sums, 3, 1, 1), 3, 1, 1)
    soft = ((matte > 0) & (matte < SOLID)).nonzero()  # [P, 2]
    places = (soft.flip(1) + 0.5) / matte.new_tensor(matte.shape[::-1]) * 2 - 1
    near = F.grid_sample(sums, places[None, None], padding_mode="border", align_corners=False)
    near, share = near[0, :, 0].T.split([3, 1], 1)
    rows, columns = soft.unbind(1)
    lent = (SOLID - matte[rows, columns, None]).div(SOLID - FADED).clamp(0, 1) * (share > 1e-4)
    own = picture.clone()
    own[rows, columns] = torch.lerp(own[rows, columns], near / share.clamp(min=1e-4), lent)
    return own


def _resized(pictures: Tensor, size: int) -> Tensor:
    """[N, H, W, C] → [N, size, size, C], each pixel the mean of what it covers."""
    channels_first = pictures.permute(0, 3, 1, 2)
    resized = F.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)
