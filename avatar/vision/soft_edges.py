"""Foreground colours of a person where their matte is soft."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from common.kernels import cached_njit

Floats = NDArray[np.float32]

SOLID, FADED = 0.95, 0.6  # of a matte: above, the colour is the person's; below, it is replaced
REACH = 1 / 128  # of a picture's longer side: half the reach of solid pixels' colours
LEAST = 1e-4  # least share of solid pixels around
_SOLID, _FADED, _LEAST = np.float32(SOLID), np.float32(FADED), np.float32(LEAST)
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)


def own_colours(picture: Tensor, matte: Tensor) -> Tensor:
    """A picture [H, W, 3] with foreground colours where the matte [H, W] is soft, without the
    background that is mixed in there: those of the solid pixels around. The rest is unchanged.
    """
    if picture.device.type != "cpu":
        return plain_own_colours(picture, matte)
    own, matte = picture.contiguous().clone(), matte.contiguous()
    means = _solid_means(own.numpy(), matte.numpy(), _block(matte))
    _lend(_spread_out(torch.from_numpy(means)).numpy(), matte.numpy(), own.numpy())
    return own


def _block(matte: Tensor) -> int:
    """Pixels along a side of the squares over which colours are averaged first."""
    return max(1, round(REACH * max(matte.shape)))


def _spread_out(means: Tensor) -> Tensor:
    """Planes [4, h, w], each value the mean of those around."""
    return F.avg_pool2d(F.avg_pool2d(means, 3, 1, 1), 3, 1, 1)


@cached_njit(fastmath=True)
def _solid_means(picture: Floats, matte: Floats, block: int) -> Floats:
    """Means over squares of colours times whether a pixel is solid, and of the latter [4, h, w]."""
    height, width = matte.shape
    means = np.zeros((4, -(-height // block), -(-width // block)), np.float32)
    for y in range(height):
        totals = means[:, y // block]
        for x in range(width):
            if matte[y, x] > _SOLID:
                for k in range(3):
                    totals[k, x // block] += picture[y, x, k]
                totals[3, x // block] += _ONE
    for row in range(means.shape[1]):
        tall = min(block, height - row * block)
        for column in range(means.shape[2]):
            means[:, row, column] /= np.float32(tall * min(block, width - column * block))
    return means


@cached_njit(fastmath=True, error_model="numpy")
def _lend(near: Floats, matte: Floats, own: Floats) -> None:
    """Mix the means around [4, h, w] into soft pixels of a picture [H, W, 3], in place."""
    height, width = matte.shape
    low, high = near.shape[1:]
    for row in range(height):
        y = min(max((row + _HALF) * np.float32(low / height) - _HALF, _ZERO), np.float32(low - 1))
        top = int(y)
        below, down = min(top + 1, low - 1), np.float32(y - top)
        for column in range(width):
            if not _ZERO < matte[row, column] < _SOLID:
                continue
            x = (column + _HALF) * np.float32(high / width) - _HALF
            x = min(max(x, _ZERO), np.float32(high - 1))
            left = int(x)
            beside, right = min(left + 1, high - 1), np.float32(x - left)
            a = (_ONE - right) * (_ONE - down), right * (_ONE - down)
            b = (_ONE - right) * down, right * down
            share = a[0] * near[3, top, left] + a[1] * near[3, top, beside]
            share += b[0] * near[3, below, left] + b[1] * near[3, below, beside]
            if share > _LEAST:
                lent = min((_SOLID - matte[row, column]) / (_SOLID - _FADED), _ONE)
                for k in range(3):
                    value = a[0] * near[k, top, left] + a[1] * near[k, top, beside]
                    value += b[0] * near[k, below, left] + b[1] * near[k, below, beside]
                    own[row, column, k] += lent * (value / share - own[row, column, k])


def plain_own_colours(picture: Tensor, matte: Tensor) -> Tensor:
    """The same in torch."""
    solid = (matte > SOLID)[..., None].to(picture)
    totals = torch.cat([picture * solid, solid], 2).permute(2, 0, 1)
    totals = _spread_out(F.avg_pool2d(totals, _block(matte), ceil_mode=True))[None]
    soft = ((matte > 0) & (matte < SOLID)).nonzero()  # [P, 2]
    positions = (soft.flip(1) + 0.5) / matte.new_tensor(matte.shape[::-1]) * 2 - 1
    near = F.grid_sample(totals, positions[None, None], padding_mode="border", align_corners=False)
    near, share = near[0, :, 0].T.split([3, 1], 1)
    rows, columns = soft.unbind(1)
    lent = (SOLID - matte[rows, columns, None]).div(SOLID - FADED).clamp(0, 1) * (share > LEAST)
    own = picture.clone()
    own[rows, columns] = torch.lerp(own[rows, columns], near / share.clamp(min=LEAST), lent)
    return own
