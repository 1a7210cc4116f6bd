"""What is learned: Gaussians in the frames of their triangles, as named tensors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from splat import RawGaussians

PARTS = ("means", "quats", "log_scales", "opacity_logits", "sh_dc", "sh_rest")
"""Names of the learned tensors; sh_dc is the colour [N, 1, 3], sh_rest [N, K - 1, 3] the change of
it with the direction of view, so that each has its own learning rate."""


@dataclass(frozen=True)
class BoundGaussians:
    """Gaussians as they are learned."""

    parts: Mapping[str, Tensor]  # by PARTS, each [N, ...], raw: log scales, logit opacities
    binding: Tensor  # [N] int64 triangle indices

    def __len__(self) -> int:
        return len(self.binding)

    @property
    def degree(self) -> int:
        """Highest degree of the spherical harmonics."""
        return math.isqrt(self.parts["sh_rest"].shape[1] + 1) - 1


def bound_gaussians(raw: RawGaussians, binding: Tensor, degree: int) -> BoundGaussians:
    """Gaussians of any SH degree, given room up to `degree`."""
    bases = (degree + 1) ** 2
    rest = raw.sh.new_zeros(len(binding), bases - 1, 3)
    known = min(raw.sh.shape[1], bases) - 1
    rest[:, :known] = raw.sh[:, 1 : known + 1]
    tensors = (raw.means, raw.quats, raw.log_scales, raw.opacity_logits, raw.sh[:, :1], rest)
    return BoundGaussians(dict(zip(PARTS, tensors, strict=True)), binding)


def raw_of(bound: BoundGaussians, degree: int | None = None) -> RawGaussians:
    """The Gaussians with SH up to `degree`, all by default."""
    p = bound.parts
    rest = p["sh_rest"] if degree is None else p["sh_rest"][:, : (degree + 1) ** 2 - 1]
    sh = torch.cat([p["sh_dc"], rest], dim=1) if rest.shape[1] else p["sh_dc"]
    return RawGaussians(p["means"], p["quats"], p["log_scales"], p["opacity_logits"], sh)
