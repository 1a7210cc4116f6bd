"""Image pyramids with bilinear sampling of values and gradients, and the window of the film that is
kept: the head with its hair and shoulders, the same in every frame.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from avatar.geometry.vectors import Floats
from common.kernels import cached_njit

_FOUR, _SIX, _ALL = (np.float32(share) for share in (4, 6, 16))  # of the binomial 1, 4, 6, 4, 1


def level(picture: Tensor, scale: int) -> Tensor:
    """A picture [H, W, C] at one pixel for scale², a power of two, blurred a little
    [H / scale, W / scale, C]."""
    for _ in range(scale.bit_length() - 1):
        picture = _halved(picture)
    return _blurred(picture)


def _halved(picture: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; with the border replicated where the size is odd."""
    for axis in (0, 1):
        if picture.shape[axis] % 2:
            picture = torch.cat([picture, picture.narrow(axis, -1, 1)], axis)
    pairs = (picture[0::2] + picture[1::2]).unflatten(1, (-1, 2))
    return (pairs[:, :, 0] + pairs[:, :, 1]) / 4


def _blurred(picture: Tensor) -> Tensor:
    """Along both axes, with the border replicated."""
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


def sample(picture: Tensor, pixels: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Values [P, C] at positions [P, 2] in pixels of the whole picture, and their slopes [P, C, 2]
    along x and y, by bilinear interpolation; its border is replicated."""
    positions = (pixels / scale - 0.5).to(picture)
    values = picture.new_empty(len(positions), picture.shape[2])
    slopes = picture.new_empty(*values.shape, 2)
    _interpolate(picture.contiguous().numpy(), positions.numpy(), values.numpy(), slopes.numpy())
    return values, slopes / scale


@cached_njit()
def _interpolate(picture: Floats, positions: Floats, values: Floats, slopes: Floats) -> None:
    """`sample` at positions [P, 2], counted from the middle of the first pixel."""
    height, width, channels = picture.shape
    for p in range(len(positions)):
        x, y = np.floor(positions[p, 0]), np.floor(positions[p, 1])
        right, down = positions[p, 0] - x, positions[p, 1] - y
        rows = min(max(int(y), 0), height - 1), min(max(int(y) + 1, 0), height - 1)
        columns = min(max(int(x), 0), width - 1), min(max(int(x) + 1, 0), width - 1)
        for k in range(channels):
            a, b = picture[rows[0], columns[0], k], picture[rows[0], columns[1], k]
            c, d = picture[rows[1], columns[0], k], picture[rows[1], columns[1], k]
            top, bottom = a + right * (b - a), c + right * (d - c)
            values[p, k] = top + down * (bottom - top)
            slopes[p, k, 0] = (b - a) + down * ((d - c) - (b - a))
            slopes[p, k, 1] = bottom - top


Bytes = NDArray[np.uint8]


class Margins(NamedTuple):
    """What is kept around a face, in heights of it."""

    above: float
    below: float
    beside: float


OF_FILMS = Margins(0.75, 1.0, 0.85)


@dataclass(frozen=True)
class Window:
    """A part of the film's picture, drawn at another size."""

    left: int  # pixels of the film
    top: int
    right: int
    bottom: int
    width: int  # pixels of what is kept, even
    height: int

    @property
    def scale(self) -> float:
        """Pixels that are kept by those of the film."""
        return self.width / (self.right - self.left)

    def inside(self, pixels: Tensor) -> Tensor:
        """Positions [..., 2] of the film in the window."""
        corner = torch.tensor([self.left, self.top]).to(pixels)
        down = self.height / (self.bottom - self.top)
        return (pixels - corner) * torch.tensor([self.scale, down]).to(pixels)

    def cut(self, picture: Bytes) -> Tensor:
        """The kept part [height, width, C] in [0, 1] of a frame [H, W, C]."""
        part = torch.from_numpy(picture[self.top : self.bottom, self.left : self.right].copy())
        image = part.permute(2, 0, 1)[None].float() / 255
        image = functional.interpolate(
            image, (self.height, self.width), mode="bilinear", antialias=True
        )
        return image[0].permute(1, 2, 0).clamp(0, 1)


def window_around(
    points: Tensor, width: int, height: int, size: int, margins: Margins = OF_FILMS
) -> Window:
    """The window around all of the faces [F, 478, 2] in pictures of width x height pixels, its
    longer side `size` pixels."""
    low, high = points.amin((0, 1)), points.amax((0, 1))
    face = float((points.amax(1) - points.amin(1))[:, 1].median())
    left = max(0, int(low[0] - margins.beside * face))
    right = min(width, int(high[0] + margins.beside * face) + 1)
    top = max(0, int(low[1] - margins.above * face))
    bottom = min(height, int(high[1] + margins.below * face) + 1)
    shrink = size / max(right - left, bottom - top)
    across, down = (2 * round(side * shrink / 2) for side in (right - left, bottom - top))
    return Window(left, top, right, bottom, across, down)
