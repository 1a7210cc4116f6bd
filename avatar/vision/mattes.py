"""How much of each pixel is the person, and how much is hair.

The networks see the whole picture, small. Their mattes are carried to the full size by a guided
filter (He, Sun and Tang, "Guided Image Filtering", 2013; the fast form of arXiv 1505.00996): in
every neighbourhood the matte is a linear function of the colour, so that it follows the picture's
edges.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from avatar.vision.network import Network, load_network

SIZE, HAIR_SIZE = 256, 512  # pixels of the networks' inputs; the filter works at the smaller one
RADIUS = 3  # of the neighbourhoods, in these pixels
TINY = 1e-6  # mattes below it are 0: denormal numbers are slow
SOLID, FADED = 0.95, 0.6  # of a matte: all is the person's colour, and what is behind may show
REACH = 1 / 128  # of a picture's longer side: twice as far away solid pixels lend their colours
EVEN = 1e-4  # variance of colour below which a neighbourhood is even: no edge is sought in it


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
    sums = F.interpolate(sums, matte.shape, mode="bilinear")
    near, share = sums[0].permute(1, 2, 0).split([3, 1], 2)
    lent = (SOLID - matte).div(SOLID - FADED).clamp(0, 1)[..., None]
    lent = lent * (share > 1e-4) * (matte[..., None] > 0)
    return torch.lerp(picture, near / share.clamp(min=1e-4), lent)


def guided_upsampling(mattes: Tensor, small: Tensor, pictures: Tensor) -> Tensor:
    """Mattes [N, h, w, M] of small pictures [N, h, w, 3] → those of the same at [N, H, W, 3]."""
    colours, mattes, guide = (_planes(each) for each in (small, mattes, pictures))
    mattes = F.threshold(mattes, TINY, 0)
    mean, mean_matte = _box(colours), _box(mattes)
    spread = _box_of_products(colours, colours) - mean[:, :, None] * mean[:, None]
    spread = spread + EVEN * torch.eye(3, device=spread.device)[..., None, None]
    together = _box_of_products(mattes, colours) - mean_matte[:, :, None] * mean[:, None]
    slopes = (together[:, :, None] * _inverse(spread)[:, None]).sum(3)  # [N, M, 3, h, w]
    rests = mean_matte - (slopes * mean[:, None]).sum(2)
    lines = _box(torch.cat([slopes.flatten(1, 2), rests], 1))
    lines = F.interpolate(lines, pictures.shape[1:3], mode="bilinear")
    slopes, full = lines.split((lines.shape[1] - rests.shape[1], rests.shape[1]), 1)
    slopes = slopes.unflatten(1, (-1, 3))  # [N, M, 3, H, W]
    for k in range(3):
        full = full.addcmul(slopes[:, :, k], guide[:, k : k + 1])
    return full.clamp(0, 1).permute(0, 2, 3, 1)


def _planes(pictures: Tensor) -> Tensor:
    """[N, H, W, C] → [N, C, H, W], each channel in one piece of memory, which is much faster."""
    return pictures.permute(0, 3, 1, 2).contiguous()


def _inverse(matrices: Tensor) -> Tensor:
    """Inverses of symmetric matrices [N, 3, 3, h, w], by the adjugate."""
    a, b, c = matrices.unbind(1)
    adjugate = torch.stack([b.cross(c, 1), c.cross(a, 1), a.cross(b, 1)], 1)
    return adjugate / (a * adjugate[:, 0]).sum(1)[:, None, None]


def _box_of_products(a: Tensor, b: Tensor) -> Tensor:
    """Means of a [N, A, h, w] times b [N, B, h, w]: [N, A, B, h, w]."""
    products = a[:, :, None] * b[:, None]
    return _box(products.flatten(1, 2)).unflatten(1, products.shape[1:3])


def _resized(pictures: Tensor, size: int) -> Tensor:
    """[N, H, W, C] → [N, size, size, C], each pixel the mean of what it covers."""
    channels_first = pictures.permute(0, 3, 1, 2)
    resized = F.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


def _box(maps: Tensor) -> Tensor:
    """Means [N, C, h, w] over the squares about each pixel; the edges go on for ever."""
    for axis, pad in ((3, (RADIUS, RADIUS, 0, 0)), (2, (0, 0, RADIUS, RADIUS))):
        wider, length = F.pad(maps, pad, mode="replicate"), maps.shape[axis]
        maps = torch.zeros_like(maps)
        for k in range(2 * RADIUS + 1):
            maps += wider.narrow(axis, k, length)
        maps /= 2 * RADIUS + 1
    return maps
