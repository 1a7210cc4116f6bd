"""Alpha mattes of the person and of hair, and the colours of the person where theirs is soft.

The networks see the whole picture at a small size. Their mattes are upsampled by a guided filter
(He, Sun and Tang, "Guided Image Filtering", 2013; the fast form of arXiv 1505.00996), which follows
the picture's edges: in every neighbourhood the matte is a linear function of the colour.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from avatar.vision.network import Network, load_network
from common.kernels import cached_njit

Floats = NDArray[np.float32]

RADIUS = 3  # of the neighbourhoods, in pixels of the small pictures
ACROSS = 2 * RADIUS + 1
TINY = 1e-6  # mattes below it are 0: denormal numbers are slow
EPSILON = 1e-4  # variance of colour below which a neighbourhood is taken as uniform
_EPS, _COUNT, _HALF = np.float32(EPSILON), np.float32(ACROSS), np.float32(0.5)
_ZERO, _ONE = np.float32(0), np.float32(1)


def guided_upsampling(mattes: Tensor, small: Tensor, pictures: Tensor) -> Tensor:
    """Mattes [N, h, w, M] of small pictures [N, h, w, 3] → those of the same at [N, H, W, 3], by
    the CPU wherever they are."""
    mattes, small = F.threshold(mattes, TINY, 0).cpu(), small.cpu()
    full = torch.empty(len(pictures), mattes.shape[3], *pictures.shape[1:3])
    for k, (each, colours) in enumerate(zip(_planes(mattes), _planes(small), strict=True)):
        lines = _box(_lines(_box(_products(colours.numpy(), each.numpy())), len(each)))
        _apply(lines, pictures[k].cpu().contiguous().numpy(), full[k].numpy())
    return full.permute(0, 2, 3, 1).to(pictures.device)


@cached_njit(fastmath=True)
def _box(planes: Floats) -> Floats:
    """Means of planes [K, h, w] over the squares about each pixel; with borders replicated."""
    count, height, width = planes.shape
    across, means = np.empty_like(planes), np.empty_like(planes)
    wide = np.empty(width + 2 * RADIUS, np.float32)
    for k in range(count):
        for row in range(height):
            wide[:RADIUS] = planes[k, row, 0]
            wide[RADIUS : RADIUS + width] = planes[k, row]
            wide[RADIUS + width :] = planes[k, row, width - 1]
            for x in range(width):
                total = wide[x]
                for j in range(1, ACROSS):
                    total += wide[x + j]
                across[k, row, x] = total / _COUNT
        for row in range(height):
            means[k, row] = _ZERO
            for j in range(row - RADIUS, row + RADIUS + 1):
                near = across[k, min(max(j, 0), height - 1)]
                for x in range(width):
                    means[k, row, x] += near[x]
            for x in range(width):
                means[k, row, x] /= _COUNT
    return means


@cached_njit(fastmath=True)
def _products(colours: Floats, mattes: Floats) -> Floats:
    """Colours [3, h, w], their six products, mattes [M, h, w] and their products with each colour:
    planes [9 + 4 M, h, w]."""
    count = len(mattes)
    planes = np.empty((9 + 4 * count, *colours.shape[1:]), np.float32)
    planes[:3], k = colours, 3
    for a in range(3):
        for b in range(a, 3):
            planes[k] = colours[a] * colours[b]
            k += 1
    for m in range(count):
        planes[k] = mattes[m]
        for a in range(3):
            planes[k + 1 + a] = mattes[m] * colours[a]
        k += 4
    return planes


@cached_njit(fastmath=True, error_model="numpy")
def _lines(means: Floats, count: int) -> Floats:
    """Slope by each colour and intercept of each matte, [4 M, h, w], from the means of
    `_products`."""
    lines = np.empty((4 * count, *means.shape[1:]), np.float32)
    for row in range(means.shape[1]):
        mean = means[:, row]
        for x in range(means.shape[2]):
            r, g, b = mean[0, x], mean[1, x], mean[2, x]
            rr, rg, rb = mean[3, x] - r * r + _EPS, mean[4, x] - r * g, mean[5, x] - r * b
            gg, gb, bb = mean[6, x] - g * g + _EPS, mean[7, x] - g * b, mean[8, x] - b * b + _EPS
            i_rr, i_rg, i_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
            i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
            scale = _ONE / (rr * i_rr + rg * i_rg + rb * i_rb)
            for m in range(count):
                k = 9 + 4 * m
                matte = mean[k, x]
                by_r = mean[k + 1, x] - matte * r
                by_g = mean[k + 2, x] - matte * g
                by_b = mean[k + 3, x] - matte * b
                to_r = (i_rr * by_r + i_rg * by_g + i_rb * by_b) * scale
                to_g = (i_rg * by_r + i_gg * by_g + i_gb * by_b) * scale
                to_b = (i_rb * by_r + i_gb * by_g + i_bb * by_b) * scale
                lines[4 * m, row, x] = to_r
                lines[4 * m + 1, row, x] = to_g
                lines[4 * m + 2, row, x] = to_b
                lines[4 * m + 3, row, x] = matte - to_r * r - to_g * g - to_b * b
    return lines


@cached_njit(fastmath=True)
def _apply(lines: Floats, picture: Floats, full: Floats) -> None:
    """Mattes [M, H, W] of a picture [H, W, 3] by lines [4 M, h, w], upsampled."""
    count, height, width = full.shape
    low, high = lines.shape[1], lines.shape[2]
    between = np.empty((4, high + 1), np.float32)
    for row in range(height):
        y = max((row + _HALF) * np.float32(low / height) - _HALF, _ZERO)
        top = int(y)
        below, down = min(top + 1, low - 1), np.float32(y - top)
        for m in range(count):
            for k in range(4):
                line = lines[4 * m + k]
                for x in range(high):
                    between[k, x] = line[top, x] + down * (line[below, x] - line[top, x])
                between[k, high] = between[k, high - 1]
            for column in range(width):
                x = max((column + _HALF) * np.float32(high / width) - _HALF, _ZERO)
                left = int(x)
                right = np.float32(x - left)
                value = between[3, left] + right * (between[3, left + 1] - between[3, left])
                for k in range(3):
                    slope = between[k, left] + right * (between[k, left + 1] - between[k, left])
                    value += slope * picture[row, column, k]
                full[m, row, column] = min(max(value, _ZERO), _ONE)


def _planes(pictures: Tensor) -> Tensor:
    """[N, H, W, C] → [N, C, H, W], each channel in one piece of memory."""
    return pictures.permute(0, 3, 1, 2).contiguous()


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
    return person, torch.minimum(hair, person)  # hair is part of the person


def _resized(pictures: Tensor, size: int) -> Tensor:
    """[N, H, W, C] → [N, size, size, C], antialiased."""
    channels_first = pictures.permute(0, 3, 1, 2)
    resized = F.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


SOLID, FADED = 0.95, 0.6  # of a matte: above, the colour is the person's; below, it is replaced
REACH = 1 / 128  # of a picture's longer side: half the reach of solid pixels' colours
LEAST = 1e-4  # least share of solid pixels around


def own_colours(picture: Tensor, matte: Tensor) -> Tensor:
    """A picture [H, W, 3] with foreground colours where the matte [H, W] is soft, without the
    background that is mixed in there: those of the solid pixels around. The rest is unchanged.
    """
    solid = (matte > SOLID)[..., None].to(picture)
    totals = torch.cat([picture * solid, solid], 2).permute(2, 0, 1)
    totals = F.avg_pool2d(totals, max(1, round(REACH * max(matte.shape))), ceil_mode=True)
    totals = F.avg_pool2d(F.avg_pool2d(totals, 3, 1, 1), 3, 1, 1)[None]
    soft = ((matte > 0) & (matte < SOLID)).nonzero()  # [P, 2]
    positions = (soft.flip(1) + 0.5) / matte.new_tensor(matte.shape[::-1]) * 2 - 1
    near = F.grid_sample(totals, positions[None, None], padding_mode="border", align_corners=False)
    near, share = near[0, :, 0].T.split([3, 1], 1)
    rows, columns = soft.unbind(1)
    lent = (SOLID - matte[rows, columns, None]).div(SOLID - FADED).clamp(0, 1) * (share > LEAST)
    own = picture.clone()
    own[rows, columns] = torch.lerp(own[rows, columns], near / share.clamp(min=LEAST), lent)
    return own
