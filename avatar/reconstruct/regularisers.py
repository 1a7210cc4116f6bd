"""What keeps Gaussians near their triangles, small beside them and flat on them.

The first two are GaussianAvatars' (arXiv 2312.02069, section 4.3). They let a Gaussian stand out
from its triangle by about the triangle's size, in front of a surface of its own colour, where no
camera minds it; between the cameras it shows as a seam of fog around the head. The third is meant
against that; it helped where training went on from thick Gaussians, from the start it made little
difference.
"""

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


def thickness(quats_tri: Tensor, log_scales_tri: Tensor) -> Tensor:
    """Mean over Gaussians of the standard deviation along the triangle's normal.

    quats_tri [N, 4] wxyz, log_scales_tri [N, 3], in the triangle's frame, whose second axis is the
    normal.
    """
    w, x, y, z = torch.nn.functional.normalize(quats_tri, dim=-1).unbind(-1)
    normal = torch.stack([x * y + w * z, 0.5 - x * x - z * z, y * z - w * x], dim=-1)
    return torch.linalg.vector_norm(2 * normal * torch.exp(log_scales_tri), dim=-1).mean()
