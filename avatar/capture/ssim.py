"""Structural similarity (Wang et al. 2004) with a Gaussian window, differentiable, in torch."""

import torch
from torch import Tensor
from torch.nn import functional

WINDOW = 11  # pixels
SIGMA = 1.5  # pixels
C1, C2 = 0.01**2, 0.03**2  # for pixels in [0, 1]


def gaussian_window() -> Tensor:  # [WINDOW] float64
    """The window's weights along one axis; they sum to 1."""
    ticks = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-ticks.square() / (2 * SIGMA**2))
    return window / window.sum()


def ssim_map(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of pictures [H, W, C] in [0, 1] wherever the whole window fits in: [H-10, W-10, C].

    The pictures must be at least as large as the window.
    """
    assert min(a.shape[:2]) >= WINDOW, a.shape
    x, y = a.permute(2, 0, 1), b.permute(2, 0, 1)
    blurred = _blur(torch.stack([x, y, x * x, y * y, x * y]))
    mean_x, mean_y, square_x, square_y, product = blurred
    covariance = product - mean_x * mean_y
    variances = square_x - mean_x * mean_x + square_y - mean_y * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    top = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return (top / ((squares + C1) * (variances + C2))).permute(1, 2, 0)


def _blur(planes: Tensor) -> Tensor:
    """Gaussian window, without padding: [..., H, W] → [..., H-10, W-10]."""
    window = gaussian_window().to(planes)
    flat = planes.reshape(-1, 1, *planes.shape[-2:])
    rows = functional.conv2d(flat, window.view(1, 1, -1, 1))
    both = functional.conv2d(rows, window.view(1, 1, 1, -1))
    return both.view(*planes.shape[:-2], *both.shape[-2:])
