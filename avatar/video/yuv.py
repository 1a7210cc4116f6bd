"""Pictures on any device → the 8-bit formats of encoders, many at a time."""

import torch
from torch import Tensor

LUMA = (0.2126, 0.7152, 0.0722)
"""Of red, green and blue (ITU-R BT.709)."""
LUMA_RANGE, CHROMA_RANGE = (16.0, 219 / 255), (128.0, 224 / 255)  # least or middle, and gain


def rgb8(pictures: Tensor) -> Tensor:
    """Levels in [0, 1] of any shape → 0..255, clipped and rounded; what is no number becomes 0."""
    levels = torch.nan_to_num(pictures, nan=0.0) * 255 + 0.5
    return levels.clamp(0.0, 255.5).to(torch.uint8)


def nv12(rgb: Tensor) -> Tensor:
    """Pictures [F, H, W, 3] in 0..255 → [F, 3 H / 2, W]: H rows of luma, below them rows of blue
    and red chroma in turns; BT.709 in limited range.

    A sample of chroma stands midway between two columns and two rows, as encoders take it.
    """
    channels = rgb.float().unbind(-1)
    luma = LUMA[0] * channels[0] + LUMA[1] * channels[1] + LUMA[2] * channels[2]
    blue, red = (_halved((channels[k] - luma) / (2 * (1 - LUMA[k]))) for k in (2, 0))  # in ±127.5
    chroma = torch.stack([blue, red], -1).flatten(-2)  # [F, H / 2, W]
    return torch.cat([_quantised(luma, *LUMA_RANGE), _quantised(chroma, *CHROMA_RANGE)], -2)


def _halved(plane: Tensor) -> Tensor:  # [F, H, W] -> [F, H / 2, W / 2]
    """Means of two columns, and of four rows by 1, 3, 3, 1: a tent over the two in the middle."""
    columns = (plane[..., ::2] + plane[..., 1::2]) / 2
    upper, lower = columns[..., ::2, :], columns[..., 1::2, :]
    above = torch.cat([columns[..., :1, :], lower[..., :-1, :]], -2)
    below = torch.cat([upper[..., 1:, :], columns[..., -1:, :]], -2)
    return (3 * (upper + lower) + above + below) / 8


def _quantised(plane: Tensor, middle: float, gain: float) -> Tensor:
    return (plane * gain + (middle + 0.5)).clamp(0, 255).to(torch.uint8)
