"""3D Gaussians, as stored (raw) and as drawn (activated)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussians:
    """Activated Gaussians, ready to draw; the frame is whatever frame the camera is given in."""

    means: Tensor  # [N, 3] metres
    quats: Tensor  # [N, 4] wxyz, normalised where used
    scales: Tensor  # [N, 3] metres, standard deviations, > 0
    opacities: Tensor  # [N] in [0, 1]
    sh: Tensor  # [N, K, 3] spherical harmonics, K = (degree + 1)^2; colour = max(SH + 0.5, 0)


@dataclass(frozen=True)
class RawGaussians:
    """Gaussians as the 3DGS .ply stores them and as an optimiser moves them."""

    means: Tensor  # [N, 3]
    quats: Tensor  # [N, 4] wxyz, any length
    log_scales: Tensor  # [N, 3] natural logarithm of the standard deviations
    opacity_logits: Tensor  # [N]
    sh: Tensor  # [N, K, 3] coefficient-major


def activate(raw: RawGaussians) -> Gaussians:
    """Apply the activations of 3DGS: exp to log scales, sigmoid to opacity logits."""
    return Gaussians(
        means=raw.means,
        quats=raw.quats,
        scales=torch.exp(raw.log_scales),
        opacities=torch.sigmoid(raw.opacity_logits),
        sh=raw.sh,
    )
