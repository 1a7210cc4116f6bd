"""How far a drawn picture is from the true one: L1 and SSIM, weighted pixel by pixel."""

from typing import Any

import torch
from torch import Tensor

from avatar.capture.ssim import WINDOW, ssim_map
from avatar.reconstruct.fast_ssim import ssim_and_gradient


def photometric_loss(drawn: Tensor, target: Tensor, weights: Tensor, ssim_share: float) -> Tensor:
    """(1 - share) · L1 + share · (1 - SSIM), each the mean over the picture of weight times value.

    drawn, target [H, W, 3] in [0, 1]; weights [H, W], about 1 on average. As in 3D Gaussian
    Splatting (Kerbl et al. 2023, equation 7).
    """
    if not drawn.is_cuda:
        return _OnCpu.apply(drawn, target, weights, ssim_share)  # type: ignore[return-value]
    return naive_photometric_loss(drawn, target, weights, ssim_share)


def naive_photometric_loss(
    drawn: Tensor, target: Tensor, weights: Tensor, ssim_share: float
) -> Tensor:
    """The same by torch's own operators."""
    l1 = ((drawn - target).abs() * weights[..., None]).mean()
    half = WINDOW // 2
    inner = weights[half:-half, half:-half, None]
    unlike = (inner * (1 - ssim_map(drawn, target))).mean()
    return (1 - ssim_share) * l1 + ssim_share * unlike


class _OnCpu(torch.autograd.Function):
    """Value and gradient in one go."""

    @staticmethod
    def forward(ctx: Any, drawn: Tensor, target: Tensor, weights: Tensor, share: float) -> Tensor:
        half = WINDOW // 2
        windows = weights[half:-half, half:-half]
        count = 3 * windows.numel()
        total, gradient = ssim_and_gradient(
            drawn.detach().contiguous().numpy(), target.numpy(), weights.contiguous().numpy()
        )
        difference = (drawn.detach() - target) * weights[..., None]
        unlike = windows.mean() - total / count
        by_l1 = difference.sign() * weights[..., None] * ((1 - share) / drawn.numel())
        by_ssim = torch.from_numpy(gradient).permute(1, 2, 0) * (-share / count)
        ctx.save_for_backward(by_l1 + by_ssim)
        return (1 - share) * difference.abs().mean() + share * unlike

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0], None, None, None
