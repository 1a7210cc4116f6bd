"""Pictures made coarser, and their colours and slopes between pixels."""

import torch
from torch import Tensor

BINOMIAL = (1, 4, 6, 4, 1)


def level(picture: Tensor, scale: int) -> Tensor:
    """A picture [H, W, C] at one pixel for scale², a power of two, blurred a little
    [H / scale, W / scale, C]."""
    for _ in range(scale.bit_length() - 1):
        picture = _halved(picture)
    return _blurred(_blurred(picture, 0), 1)


def _halved(picture: Tensor) -> Tensor:
    """Means of 2 x 2 pixels; where the size is odd the rim goes on."""
    for axis in (0, 1):
        if picture.shape[axis] % 2:
            picture = torch.cat([picture, picture.narrow(axis, -1, 1)], axis)
    pairs = (picture[0::2] + picture[1::2]).unflatten(1, (-1, 2))
    return (pairs[:, :, 0] + pairs[:, :, 1]) / 4


def _blurred(picture: Tensor, axis: int) -> Tensor:
    """Along one axis, beyond which the rim goes on."""
    shifted = shifts(picture, axis, len(BINOMIAL) // 2)
    blurred = torch.zeros_like(picture)
    for part, share in zip(shifted, BINOMIAL, strict=True):
        blurred.add_(part, alpha=share / sum(BINOMIAL))
    return blurred


def shifts(picture: Tensor, axis: int, most: int) -> list[Tensor]:
    """A picture moved by -most, …, most pixels along an axis, beyond which its rim goes on."""
    length = picture.shape[axis]
    places = torch.arange(-most, length + most, device=picture.device).clamp(0, length - 1)
    wider = picture.index_select(axis, places)
    return [wider.narrow(axis, k, length) for k in range(2 * most + 1)]


def sample(picture: Tensor, pixels: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Values [P, C] at places [P, 2] in pixels of the whole picture, and their slopes [P, C, 2]
    along x and y, by bilinear interpolation; outside the picture its rim goes on."""
    spots = pixels / scale - 0.5
    corner = spots.floor()
    right, down = (spots - corner).unbind(1)
    column, row = corner.long().unbind(1)
    height, width = picture.shape[:2]

    def value(across: int, along: int) -> Tensor:
        rows = (row + along).clamp(0, height - 1)
        return picture[rows, (column + across).clamp(0, width - 1)]

    a, b, c, d = value(0, 0), value(1, 0), value(0, 1), value(1, 1)
    right, down = right[:, None], down[:, None]
    top, bottom = a + right * (b - a), c + right * (d - c)
    along_x = (b - a) + down * ((d - c) - (b - a))
    slopes = torch.stack([along_x, bottom - top], 2) / scale
    return top + down * (bottom - top), slopes
