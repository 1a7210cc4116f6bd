"""What keeps Gaussians near their triangles and small beside them, as in GaussianAvatars
(arXiv 2312.02069, section 4.3)."""

import torch
from torch import Tensor

FREE_DISTANCE = 1.0
"""In units of the triangle's size: centres may stray this far from the triangle's."""
FREE_SIZE = 0.6
"""In the same units: standard deviations may be this large."""


def position_excess(means_tri: Tensor) -> Tensor:
    """Mean over Gaussians and axes of how far local centres [N, 3] lie beyond the free distance."""
    return (means_tri.abs() - FREE_DISTANCE).clamp(min=0).mean()


def scale_excess(log_scales_tri: Tensor) -> Tensor:
    """Mean over Gaussians of the length of what local sizes [N, 3] exceed the free size by."""
    excess = (torch.exp(log_scales_tri) - FREE_SIZE).clamp(min=0)
    return torch.linalg.vector_norm(excess, dim=-1).mean()
