"""PSNR, SSIM and LPIPS of pictures [H, W, 3] in [0, 1]."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from avatar.capture.ssim import WINDOW, ssim_map

if TYPE_CHECKING:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

LEAST_ERROR = 1e-10
"""The mean squared error from which on pictures count as the same: 100 dB."""
SMALLEST = WINDOW
"""Pixels: the width of SSIM's window."""
SMALLEST_LPIPS = 64
"""Pixels: what its network can take in."""
BACKBONE = "AlexNet_Weights"
"""The network of LPIPS, as the papers on head avatars have it."""

Metric = Callable[[Tensor, Tensor], float | None]


def psnr(drawn: Tensor, truth: Tensor, where: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB, at most 100; of the pixels `where` [H, W] is true."""
    squares = (drawn - truth).square()
    error = squares.mean() if where is None else squares[where].mean()
    return float(-10 * torch.log10(error.clamp(min=LEAST_ERROR)))


def ssim(drawn: Tensor, truth: Tensor) -> tuple[float, Tensor]:
    """Structural similarity and its map [H, W], the mean of the channels.

    Wang et al. 2004; Gaussian window of 11 pixels, σ 1.5; pictures are mirrored at their borders.
    """
    local = ssim_map(_mirrored(drawn), _mirrored(truth)).mean(-1)
    return float(local.mean()), local


def local_lpips() -> tuple[Metric | None, str]:
    """LPIPS (Zhang et al. 2018), or None, and what there is to say about it; downloads nothing."""
    if find_spec("torchvision") is None:
        return None, "LPIPS is left out: torchvision, which holds its network, is not installed"
    models = import_module("torchvision.models")
    name = Path(getattr(models, BACKBONE).DEFAULT.url).name
    weights = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not weights.is_file():
        return None, f"LPIPS is left out: its network's weights are not at {weights}"
    return _lpips, f"LPIPS with the weights at {weights}"


def _lpips(drawn: Tensor, truth: Tensor) -> float | None:
    if min(drawn.shape[:2]) < SMALLEST_LPIPS:
        return None
    return float(_lpips_network()(_batch(drawn), _batch(truth)))


@cache
def _lpips_network() -> "LearnedPerceptualImagePatchSimilarity":
    from torchmetrics.image.lpip import (  # noqa: PLC0415  brings transformers, which take seconds
        LearnedPerceptualImagePatchSimilarity,
    )

    return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)


def _mirrored(picture: Tensor) -> Tensor:
    """A picture with a border of half a window."""
    return functional.pad(_batch(picture), [WINDOW // 2] * 4, mode="reflect")[0].permute(1, 2, 0)


def _batch(picture: Tensor) -> Tensor:  # [1, 3, H, W]
    return picture.permute(2, 0, 1)[None].contiguous()
