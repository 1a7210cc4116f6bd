"""Which part of a film is kept: the head with its hair and shoulders, in every frame the same."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

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
        """Places [..., 2] of the film as those of what is kept."""
        across = self.width / (self.right - self.left)
        down = self.height / (self.bottom - self.top)
        corner = torch.tensor([self.left, self.top]).to(pixels)
        return (pixels - corner) * torch.tensor([across, down]).to(pixels)

    def cut(self, picture: Bytes) -> Tensor:
        """The kept part [height, width, 3] in [0, 1] of a frame [H, W, 3]."""
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
