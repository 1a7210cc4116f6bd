"""Rotated squares of pictures as the networks want them."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Squares:
    """Squares in a picture, in pixels; a picture's first pixel covers [0, 1]."""

    centres: Tensor  # [N, 2] x, y
    sides: Tensor  # [N]
    angles: Tensor  # [N] radians; positive turns the square's x axis towards the picture's y axis

    def axes(self) -> Tensor:
        """[N, 2, 2]: the squares' x and y axes, each as long as a side, in the picture."""
        cosine, sine = self.angles.cos() * self.sides, self.angles.sin() * self.sides
        return torch.stack(
            [torch.stack([cosine, sine], -1), torch.stack([-sine, cosine], -1)], dim=-2
        )

    def to_picture(self, positions: Tensor) -> Tensor:
        """Places [N, P, 2] in [0, 1] of each square → pixels of the picture."""
        return self.centres[:, None] + (positions - 0.5) @ self.axes()


def cut(pictures: Tensor, squares: Squares, size: int) -> Tensor:
    """Squares [N] of pictures [N or 1, H, W, 3], sampled to [N, size, size, 3]; black outside.

    A square with more than two pixels for one is cut from the picture's halves, quarters, …
    """
    channels_first = pictures.permute(0, 3, 1, 2)
    shrink = 1
    while shrink * 4 * size <= float(squares.sides.min()):
        shrink *= 2
    if shrink > 1:
        channels_first = F.avg_pool2d(channels_first, shrink, ceil_mode=True)
    ticks = (torch.arange(size, device=pictures.device) + 0.5) / size
    positions = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)  # [S, S, 2]
    count = len(squares.sides)
    pixels = squares.to_picture(positions.reshape(1, -1, 2).expand(count, -1, 2))
    columns, rows = channels_first.shape[3], channels_first.shape[2]
    extent = torch.tensor([columns * shrink, rows * shrink], device=pictures.device)
    grid = (pixels * 2 / extent - 1).reshape(count, size, size, 2)
    sampled = F.grid_sample(
        channels_first.expand(count, -1, -1, -1), grid, padding_mode="zeros", align_corners=False
    )
    return sampled.permute(0, 2, 3, 1)
