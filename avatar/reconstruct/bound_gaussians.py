"""The trained Gaussians, in the frames of their triangles as named tensors, and their AdamW with a
learning rate for each part, whose state follows densification; pictures at half their size.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW

from splat import Camera, RawGaussians

PARTS = ("means", "quats", "log_scales", "opacity_logits", "sh_dc", "sh_rest", "changes")
"""Names of the learned tensors; sh_dc is the colour [N, 1, 3], sh_rest [N, K - 1, 3] the change of
it with the direction of view, so that each has its own learning rate; changes [N, 6, E] are those
of means and colour with each coefficient of the expression."""


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


def bound_gaussians(
    raw: RawGaussians, binding: Tensor, degree: int, expressions: int = 0
) -> BoundGaussians:
    """Gaussians of any SH degree, given room up to `degree`, and for changes with coefficients of
    the expression."""
    bases = (degree + 1) ** 2
    rest = raw.sh.new_zeros(len(binding), bases - 1, 3)
    known = min(raw.sh.shape[1], bases) - 1
    rest[:, :known] = raw.sh[:, 1 : known + 1]
    changes = raw.sh.new_zeros(len(binding), 6, expressions)
    tensors = (raw.means, raw.quats, raw.log_scales, raw.opacity_logits, raw.sh[:, :1], rest)
    tensors += (changes,)
    return BoundGaussians(dict(zip(PARTS, tensors, strict=True)), binding)


def raw_of(bound: BoundGaussians, degree: int | None = None) -> RawGaussians:
    """The Gaussians with SH up to `degree`, all by default."""
    p = bound.parts
    rest = p["sh_rest"] if degree is None else p["sh_rest"][:, : (degree + 1) ** 2 - 1]
    sh = torch.cat([p["sh_dc"], rest], dim=1) if rest.shape[1] else p["sh_dc"]
    return RawGaussians(p["means"], p["quats"], p["log_scales"], p["opacity_logits"], sh)


EPSILON = 1e-15  # gradients of single Gaussians are tiny
RATES = {
    "means": 1e-2,  # in units of the triangle's size
    "quats": 2e-3,
    "log_scales": 2e-2,
    "opacity_logits": 5e-2,
    "sh_dc": 5e-3,
    "sh_rest": 5e-4,
    "changes": 2e-2,
}
"""Learning rates at the first step; all fall exponentially to a share of it at the last."""
LEFT = dict.fromkeys(RATES, 0.1) | {"means": 0.01, "changes": 0.01}
"""Shares of the learning rates that are left at the last step."""
DECAY = {"changes": 2.0}
"""Of a part, times its learning rate, at each step: what few frames show changes little."""


def start_adam(bound: BoundGaussians) -> tuple[BoundGaussians, AdamW]:
    """The Gaussians as parameters, and an optimiser of them with one group for each part."""
    parameters = {name: nn.Parameter(bound.parts[name].detach().clone()) for name in PARTS}
    groups = [
        {"params": [p], "lr": RATES[n], "weight_decay": DECAY.get(n, 0), "name": n}
        for n, p in parameters.items()
    ]
    return BoundGaussians(parameters, bound.binding), AdamW(groups, eps=EPSILON, fused=True)


def set_rates(adam: AdamW, progress: float) -> None:
    """Set the learning rates at `progress` in [0, 1] of the training."""
    for group in adam.param_groups:
        name = group["name"]
        group["lr"] = RATES[name] * LEFT[name] ** progress


def regroup(
    adam: AdamW,
    bound: BoundGaussians,  # the new one
    origin: Tensor,  # [N] row of the old ones that each new row comes from
    fresh: Tensor,  # [N] bool: starts without state
) -> tuple[BoundGaussians, AdamW]:
    """The new Gaussians as parameters, with the optimiser's moments of the rows they come from."""
    new_bound, new_adam = start_adam(bound)
    for new, old in zip(new_adam.param_groups, adam.param_groups, strict=True):
        if state := adam.state.get(old["params"][0]):
            new_adam.state[new["params"][0]] = {
                key: part if part.ndim == 0 else _inherited(part, origin, fresh)
                for key, part in state.items()
            }
    return new_bound, new_adam


def _inherited(tensor: Tensor, origin: Tensor, fresh: Tensor) -> Tensor:
    rows = tensor[origin]
    return torch.where(fresh.view(-1, *[1] * (rows.ndim - 1)), torch.zeros_like(rows), rows)


SMALLEST = 64  # pixels; pictures are not halved below this


def halved(camera: Camera, picture: Tensor) -> tuple[Camera, Tensor]:
    """A camera and its picture [H, W, 3] at half their size, unless that is too small."""
    if min(picture.shape[:2]) < 2 * SMALLEST:
        return camera, picture
    planes = functional.avg_pool2d(picture.permute(2, 0, 1), 2)
    small = planes.permute(1, 2, 0).contiguous()
    K = camera.K.clone()
    K[:2] /= 2
    return replace(camera, K=K, width=small.shape[1], height=small.shape[0]), small
