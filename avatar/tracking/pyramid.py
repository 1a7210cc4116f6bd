"""Pictures made coarser, and their colours and slopes between pixels."""

import numpy as np
import torch
from torch import Tensor

from avatar.mesh.vectors import Floats
from common.kernels import cached_njit

_FOUR, _SIX, _ALL = (np.float32(share) for share in (4, 6, 16))  # of the binomial 1, 4, 6, 4, 1


def level(picture: Tensor, scale: int) -> Tensor:
    """A picture [H, W, C] at one pixel for scale², a power of two, blurred a little
    [H / scale, W / scale, C]."""
    for _ in range(scale.bit_length() - 1):
        picture = _halved(picture)
    return _blurred(picture)


def _halved(picture: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; where the size is odd the rim goes on."""
    for axis in (0, 1):
        if picture.shape[axis] % 2:
            picture = torch.cat([picture, picture.narrow(axis, -1, 1)], axis)
    pairs = (picture[0::2] + picture[1::2]).unflatten(1, (-1, 2))
    return (pairs[:, :, 0] + pairs[:, :, 1]) / 4


def _blurred(picture: Tensor) -> Tensor:
    """Along both axes, beyond which the rim goes on."""
    picture = picture.contiguous()
    blurred = torch.empty_like(picture)
    _blur(picture.flatten(1).numpy(), picture.shape[2], blurred.flatten(1).numpy())
    return blurred


@cached_njit(fastmath=True)
def _blur(rows: Floats, channels: int, blurred: Floats) -> None:
    """Rows [H, W C] by the binomial down and across."""
    height, size = rows.shape
    wide = np.empty(size + 4 * channels, np.float32)
    for y in range(height):
        above, highest = rows[max(y - 1, 0)], rows[max(y - 2, 0)]
        below, lowest = rows[min(y + 1, height - 1)], rows[min(y + 2, height - 1)]
        for x in range(size):
            near, far = above[x] + below[x], highest[x] + lowest[x]
            wide[2 * channels + x] = (_SIX * rows[y, x] + _FOUR * near + far) / _ALL
        for k in range(2 * channels):
            wide[k] = wide[2 * channels + k % channels]
            wide[size + 2 * channels + k] = wide[size + channels + k % channels]
        for x in range(size):
            near = wide[x + channels] + wide[x + 3 * channels]
            far = wide[x] + wide[x + 4 * channels]
            blurred[y, x] = (_SIX * wide[x + 2 * channels] + _FOUR * near + far) / _ALL


def shifts(picture: Tensor, axis: int, most: int) -> list[Tensor]:
    """A picture moved by -most, …, most pixels along an axis, beyond which its rim goes on."""
    length = picture.shape[axis]
    places = torch.arange(-most, length + most, device=picture.device).clamp(0, length - 1)
    wider = picture.index_select(axis, places)
    return [wider.narrow(axis, k, length) for k in range(2 * most + 1)]


def sample(picture: Tensor, pixels: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Values [P, C] at places [P, 2] in pixels of the whole picture, and their slopes [P, C, 2]
    along x and y, by bilinear interpolation; outside the picture its rim goes on."""
    spots = (pixels / scale - 0.5).to(picture)
    values = picture.new_empty(len(spots), picture.shape[2])
    slopes = picture.new_empty(*values.shape, 2)
    _interpolate(picture.contiguous().numpy(), spots.numpy(), values.numpy(), slopes.numpy())
    return values, slopes / scale


@cached_njit()
def _interpolate(picture: Floats, spots: Floats, values: Floats, slopes: Floats) -> None:
    """`sample` at spots [P, 2], counted from the middle of the first pixel."""
    height, width, channels = picture.shape
    for p in range(len(spots)):
        x, y = np.floor(spots[p, 0]), np.floor(spots[p, 1])
        right, down = spots[p, 0] - x, spots[p, 1] - y
        rows = min(max(int(y), 0), height - 1), min(max(int(y) + 1, 0), height - 1)
        columns = min(max(int(x), 0), width - 1), min(max(int(x) + 1, 0), width - 1)
        for k in range(channels):
            a, b = picture[rows[0], columns[0], k], picture[rows[0], columns[1], k]
            c, d = picture[rows[1], columns[0], k], picture[rows[1], columns[1], k]
            top, bottom = a + right * (b - a), c + right * (d - c)
            values[p, k] = top + down * (bottom - top)
            slopes[p, k, 0] = (b - a) + down * ((d - c) - (b - a))
            slopes[p, k, 1] = bottom - top
