"""Gaussians turned and filled up as other programs expect them."""

from dataclasses import replace

import torch
from torch import Tensor

from splat import Gaussians, RawGaussians

ORDERS = torch.tensor([m for degree in range(4) for m in range(-degree, degree + 1)])  # [16]
NEARLY = 1e-6  # an opacity this near to 0 or 1 has a finite logit


def upside_down(gaussians: Gaussians) -> Gaussians:
    """Gaussians turned by 180° about z: what had +y up has -y up, and the other way round.

    (x, y, z) → (-x, -y, z). A spherical harmonic of order m changes its sign where m is odd.
    """
    w, x, y, z = gaussians.quats.unbind(-1)
    signs = 1 - 2 * (ORDERS[: gaussians.sh.shape[1]] % 2)
    return replace(
        gaussians,
        means=gaussians.means * torch.tensor([-1.0, -1.0, 1.0]),
        quats=torch.stack([-z, -y, x, w], dim=-1),
        sh=gaussians.sh * signs[:, None],
    )


def of_degree(gaussians: Gaussians, degree: int) -> Gaussians:
    """Gaussians whose colours have spherical harmonics of this degree: cut off, or zeros added."""
    count = (degree + 1) ** 2
    missing = max(0, count - gaussians.sh.shape[1])
    sh = torch.nn.functional.pad(gaussians.sh[:, :count], (0, 0, 0, missing))
    return replace(gaussians, sh=sh)


def stored(gaussians: Gaussians) -> RawGaussians:
    """The inverse of `activate`: logarithms of scales, logits of opacities."""
    return RawGaussians(
        means=gaussians.means,
        quats=unit_quaternions(gaussians.quats),
        log_scales=torch.log(gaussians.scales),
        opacity_logits=torch.logit(gaussians.opacities.clamp(NEARLY, 1 - NEARLY)),
        sh=gaussians.sh,
    )


def unit_quaternions(quats: Tensor) -> Tensor:
    """Quaternions [N, 4] wxyz of length 1."""
    return torch.nn.functional.normalize(quats, dim=-1)
