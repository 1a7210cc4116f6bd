import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from avatar.reconstruct.losses import (
    naive_photometric_loss,
    photometric_loss,
    ssim_and_gradient,
    ssim_map,
)


def pictures(height: int = 23, width: int = 31) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(height, width, 3, generator=generator)
    return truth, (truth + 0.2 * torch.randn(truth.shape, generator=generator)).clamp(0, 1)


def test_ssim_is_that_of_torchmetrics():
    a, b = (picture.permute(2, 0, 1)[None] for picture in pictures())
    # torchmetrics mirrors the border; its inner part is what has no border
    _, full = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)
    expected = full[0, :, 5:-5, 5:-5].permute(1, 2, 0)
    assert torch.allclose(ssim_map(*pictures()), expected, atol=2e-5)


def test_ssim_of_a_picture_with_itself_is_one():
    a, _ = pictures()
    assert torch.allclose(ssim_map(a, a), torch.ones(13, 21, 3), atol=1e-5)


def test_fast_ssim_equals_the_sum_of_the_map():
    a, b = pictures()
    weights = torch.rand(a.shape[:2])
    total, _ = ssim_and_gradient(a.numpy(), b.numpy(), weights.numpy())
    expected = (ssim_map(a, b) * weights[5:-5, 5:-5, None]).sum()
    assert total == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_fast_loss_and_gradient_equal_their_naive_twin(share: float):
    truth, other = pictures()
    weights = 0.5 + torch.rand(truth.shape[:2])
    results = []
    for loss in (photometric_loss, naive_photometric_loss):
        drawn = other.clone().requires_grad_()
        value = loss(drawn, truth, weights, share)
        (3 * value).backward()
        results.append((value.detach(), drawn.grad))
    (fast, fast_gradient), (naive, naive_gradient) = results
    assert torch.allclose(fast, naive, rtol=1e-5)
    assert torch.allclose(fast_gradient, naive_gradient, atol=1e-5 * float(naive_gradient.max()))


def test_loss_of_the_truth_is_zero():
    truth, _ = pictures()
    loss = photometric_loss(truth.clone(), truth, torch.ones(truth.shape[:2]), 0.2)
    assert abs(float(loss)) < 1e-5
