"""Whether a face is drawn: its skin is one flat colour, where that of a real one is shaded."""

import torch
from torch import Tensor
from torch.nn import functional

from avatar.vision.landmarks import OVAL

SIDE = 96  # pixels of the square around the face in which it is looked at
FLAT = 0.002  # of brightness in [0, 1] from a pixel to the next: real skin changes faster
DRAWN = 0.4  # of a face that is flat: photographs have up to 0.08, with a mask 0.25


def flat_share(picture: Tensor, points: Tensor) -> float:
    """How much of a face, in [0, 1], is of one brightness with what is around it.

    picture [H, W, 3] in [0, 1]; points [478, 2]: landmarks in its pixels.
    """
    low, high = points.amin(0), points.amax(0)
    side = float((high - low).max())
    corner = (low + high - side) / 2
    square = _cut(picture, corner, side).mean(-1)  # [SIDE, SIDE]
    across = (square[1:-1, 2:] - square[1:-1, :-2]) / 2
    down = (square[2:, 1:-1] - square[:-2, 1:-1]) / 2
    inside = _inside((points - corner) * (SIDE / side))[1:-1, 1:-1]
    return float((torch.hypot(across, down)[inside] < FLAT).float().mean())


def _cut(picture: Tensor, corner: Tensor, side: float) -> Tensor:
    """A square of a picture at SIDE² pixels [SIDE, SIDE, 3]; its rim goes on beyond it."""
    height, width = picture.shape[:2]
    steps = torch.arange(int(side) + 1)
    columns, rows = (int(start) + steps for start in corner.floor())
    part = picture[rows.clamp(0, height - 1)][:, columns.clamp(0, width - 1)]
    small = functional.interpolate(
        part.permute(2, 0, 1)[None].float(), (SIDE, SIDE), mode="bilinear", antialias=True
    )
    return small[0].permute(1, 2, 0)


def _inside(points: Tensor) -> Tensor:
    """[SIDE, SIDE] true within the outline of a face whose landmarks are in its pixels: a ray to
    the right crosses it an odd number of times."""
    start = points[list(OVAL)].double()
    end = start.roll(-1, 0)
    middles = torch.arange(SIDE).double() + 0.5
    above = (start[:, 1, None] > middles) != (end[:, 1, None] > middles)  # [E, SIDE] by row
    along = (middles - start[:, 1, None]) / (end - start)[:, 1, None]
    crossing = start[:, :1] + along * (end - start)[:, :1]
    right = above[..., None] & (crossing[..., None] > middles)  # [E, SIDE, SIDE]
    return right.sum(0) % 2 == 1
