import torch
from captures import ring

from avatar.reconstruct.densify import screen_gradients
from splat import Camera


def pixels(points: torch.Tensor, camera: Camera) -> torch.Tensor:
    local = points @ camera.viewmat[:3, :3].T.double() + camera.viewmat[:3, 3].double()
    return (local @ camera.K.T.double())[:, :2] / local[:, 2:]


def test_they_are_the_gradient_by_the_projected_centre():
    camera = ring(2, (40, 30))[0]
    points = (0.05 * torch.randn(20, 3, dtype=torch.float64)).requires_grad_()
    by_pixel = torch.randn(20, 2, dtype=torch.float64)
    (pixels(points, camera) * by_pixel).sum().backward()
    assert points.grad is not None
    gradients = screen_gradients(points.detach(), points.grad, camera)
    expected = (by_pixel * torch.tensor([20.0, 15.0])).norm(dim=1)
    # a centre beside the optical axis also moves in the picture when it moves along the view
    assert torch.allclose(gradients, expected, rtol=0.02)
