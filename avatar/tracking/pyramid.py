"""Pictures made coarser, and their colours and slopes between pixels."""

import torch
from torch import Tensor
from torch.nn import functional

BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def level(picture: Tensor, scale: int) -> Tensor:
    """A picture [H, W, C] at one pixel for scale², blurred a little [H / scale, W / scale, C]."""
    image = picture.permute(2, 0, 1)[None]
    if scale > 1:
        image = functional.avg_pool2d(image, scale, ceil_mode=True)
    channels = image.shape[1]
    kernel = BINOMIAL.to(image).expand(channels, 1, 1, 5)
    image = functional.pad(image, (2, 2, 2, 2), mode="replicate")
    image = functional.conv2d(image, kernel, groups=channels)
    image = functional.conv2d(image, kernel.mT, groups=channels)
    return image[0].permute(1, 2, 0).contiguous()


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
