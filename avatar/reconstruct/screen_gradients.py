"""How strongly the pictures pull at each Gaussian, summed up between two rounds of densification.

`splat.render` does not give out its projected centres, so the gradient by them is made from the
gradient by the centres in the world: its part across the view, times what one pixel is wide at
that depth. What is lost is its part along the view, which moves no pixel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from splat import Camera


@dataclass(frozen=True)
class ScreenGradients:
    """Running sums; the tensors are added to in place."""

    sums: Tensor  # [N]
    seen: Tensor  # [N] pictures in which a Gaussian had a gradient

    @property
    def mean(self) -> Tensor:  # [N]
        return self.sums / self.seen.clamp(min=1)

    def add(self, of_view: Tensor) -> None:
        """Add what `screen_gradients` gave for one view [N]."""
        self.sums.add_(of_view)
        self.seen.add_(of_view > 0)


def no_screen_gradients(count: int, device: torch.device) -> ScreenGradients:
    """Sums of nothing."""
    return ScreenGradients(torch.zeros(count, device=device), torch.zeros(count, device=device))


def screen_gradients(means_world: Tensor, gradient: Tensor, camera: Camera) -> Tensor:
    """Length [N] of the gradient by the centre in the picture, in half pictures.

    means_world, gradient [N, 3]: the centres, and the loss's gradient by them.
    """
    viewmat = camera.viewmat.detach().to(means_world)
    depth = means_world @ viewmat[2, :3] + viewmat[2, 3]
    across = gradient @ viewmat[:2, :3].T  # [N, 2] by metres
    half = across.new_tensor([camera.width, camera.height]) / 2
    focal = across.new_tensor([float(camera.K[0, 0]), float(camera.K[1, 1])])
    return torch.linalg.vector_norm(across * (half / focal), dim=1) * depth.abs()
