"""The oracle's own gradients, in float64 and away from the thresholds."""

import reference_raster as reference
import torch
from torch import Tensor

from splat import Camera, Gaussians, look_at
from splat.scene.conventions import ALPHA_THRESHOLD, MAX_ALPHA


def _tiny() -> tuple[list[Tensor], Camera]:
    """Two broad Gaussians whose alpha is above the threshold on every pixel, below the clamp."""
    generator = torch.Generator().manual_seed(2)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    eye, target, up = torch.tensor([[0.1, 0.2, 2.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).unbind()
    camera = look_at(eye, target, up, focal=4.0, width=3, height=2)
    tensors = [
        0.1 * normal(2, 3),
        normal(2, 4),
        0.9 + 0.1 * normal(2, 3).tanh(),
        torch.tensor([0.5, 0.7], dtype=torch.float64),
        0.2 * normal(2, 16, 3),
        camera.viewmat.double(),
    ]
    return tensors, camera


def test_gradients_of_the_oracle() -> None:
    tensors, camera = _tiny()
    background = torch.tensor([0.3, 0.6, 0.1], dtype=torch.float64)

    for mode in ("classic", "antialiased"):

        def images(*inputs: Tensor, mode: str = mode) -> tuple[Tensor, ...]:
            *gaussians, viewmat = inputs
            moved = Camera(viewmat, camera.K, camera.width, camera.height)
            assert mode == "classic" or mode == "antialiased"
            color, alpha, depth = reference.reference_draw(
                Gaussians(*gaussians), moved, background, mode
            )
            assert depth is not None
            return color, alpha, depth

        assert torch.autograd.gradcheck(images, [t.requires_grad_() for t in tensors])


def test_one_gaussian_by_hand() -> None:
    """A round Gaussian on the optical axis: alpha falls off as the blurred 2D normal says."""
    deviation, focal, distance, opacity = 0.05, 100.0, 2.0, 0.8
    g = Gaussians(
        torch.zeros(1, 3),
        torch.tensor([[1.0, 0, 0, 0]]),
        torch.full((1, 3), deviation),
        torch.tensor([opacity]),
        torch.zeros(1, 1, 3),
    )
    eye, up = torch.tensor([0.0, 0.0, distance]), torch.tensor([0.0, 1.0, 0.0])
    camera = look_at(eye, torch.zeros(3), up, focal=focal, width=31, height=31)
    color, alpha, depth = reference.reference_draw(
        g, camera, torch.tensor([1.0, 0.0, 0.0]), "classic"
    )
    steps = torch.arange(31) - 15.0
    variance = (focal * deviation / distance) ** 2 + 0.3
    expected = opacity * torch.exp(-(steps[:, None] ** 2 + steps**2) / (2 * variance))
    expected = expected.clamp(max=MAX_ALPHA)
    expected = torch.where(expected >= ALPHA_THRESHOLD, expected, 0)
    torch.testing.assert_close(alpha, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(color[..., 1], 0.5 * expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(color[..., 0], 1 - 0.5 * expected, atol=1e-5, rtol=0)
    assert depth is not None
    torch.testing.assert_close(depth[alpha > 0], torch.full_like(depth[alpha > 0], distance))


def test_nothing_in_view_shows_the_background() -> None:
    (means, quats, scales, opacities, sh, viewmat), camera = _tiny()
    away = Gaussians(means + torch.tensor([0.0, 0.0, 90.0]), quats, scales, opacities, sh)
    background = torch.tensor([0.3, 0.6, 0.1], dtype=torch.float64)
    moved = Camera(viewmat, camera.K, camera.width, camera.height)
    color, alpha, depth = reference.reference_draw(away, moved, background, "classic")
    assert depth is not None and not alpha.any() and not depth.any()
    assert torch.equal(color, background.expand_as(color))
