import torch

from avatar.reconstruct.losses import position_excess, scale_excess, thickness


def test_centres_within_one_size_of_their_triangle_are_free():
    assert position_excess(torch.tensor([[1.0, -1.0, 0.5]])) == 0


def test_position_excess_by_hand():
    means = torch.tensor([[3.0, 0.0, 0.0], [0.0, -1.5, 0.2]])
    assert torch.allclose(position_excess(means), torch.tensor((2.0 + 0.5) / 6))


def test_scale_excess_by_hand():
    sizes = torch.tensor([[3.6, 4.6, 0.1], [0.6, 0.5, 0.6]])  # excess (3, 4, 0), (0, 0, 0)
    assert torch.allclose(scale_excess(sizes.log()), torch.tensor(2.5), atol=1e-5)


def test_gradients_are_finite_where_nothing_exceeds():
    log_scales = torch.full((4, 3), -1.0, requires_grad=True)
    scale_excess(log_scales).backward()
    assert log_scales.grad is not None and (log_scales.grad == 0).all()


def test_thickness_is_the_extent_along_the_normal():
    half = 0.5**0.5
    quats = torch.tensor([[2.0, 0, 0, 0], [half, 0, 0, half], [half, half, 0, 0]])
    sizes = torch.tensor([[0.1, 0.2, 0.3]]).repeat(3, 1)
    # as it lies; turned about z, the first axis stands up; about x, the third
    assert torch.allclose(thickness(quats, sizes.log()), torch.tensor((0.2 + 0.1 + 0.3) / 3))
    turned = thickness(quats[1:], sizes[1:].log())
    assert torch.allclose(turned, torch.tensor((0.1 + 0.3) / 2))
