import pytest
import torch

from audio2mesh.data.phones import PHONES
from audio2mesh.lipreading.network import (
    MEASURES,
    STEPS,
    LipReadNet,
    LipReadOptions,
    features,
    normalised,
)

SMALL = LipReadOptions(width=32, layers=1, heads=2)


@pytest.fixture(scope="module")
def net() -> LipReadNet:
    torch.manual_seed(0)
    return LipReadNet(SMALL).eval()


def crops(batch: int, frames: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(batch, frames, 88, 88, generator=torch.Generator().manual_seed(seed))


def test_a_reading_has_two_steps_for_each_frame(net: LipReadNet):
    read = net(crops(2, 7))
    assert read.log_probs.shape == (2, 7 * STEPS, len(PHONES) + 1)
    assert read.phones.shape == (2, 7 * STEPS, len(PHONES))
    assert read.shape.shape == (2, 7, MEASURES)
    assert torch.allclose(read.log_probs.exp().sum(-1), torch.ones(2, 14), atol=1e-5)


def test_windows_are_read_each_for_itself(net: LipReadNet):
    x = crops(3, 6)
    for row, one in zip(net(x).log_probs, x, strict=True):
        assert torch.allclose(row, net(one[None]).log_probs[0], atol=1e-5)


def test_light_and_contrast_do_not_matter(net: LipReadNet):
    x = crops(1, 6)
    assert torch.allclose(features(net, x), features(net, 0.3 + 0.4 * x), atol=1e-2)
    assert not torch.allclose(features(net, x), features(net, x.flip(2)), atol=1e-2)


def test_normalised_crops_have_mean_0_and_deviation_1():
    x = normalised(crops(2, 5) * torch.tensor([0.2, 1.0]).view(2, 1, 1, 1))
    assert torch.allclose(x.mean((1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(x.std((1, 2, 3)), torch.ones(2), atol=0.05)
    assert normalised(torch.full((1, 2, 4, 4), 0.5)).abs().max() == 0


def test_features_are_standardised_by_what_training_saw(net: LipReadNet):
    x = crops(1, 4)
    before = features(net, x)
    other = LipReadNet(SMALL).eval()
    other.load_state_dict(net.state_dict())
    other.centre.fill_(1.0)
    other.spread.fill_(2.0)
    assert torch.allclose(features(other, x), (before - 1) / 2, atol=1e-5)


def test_gradients_reach_every_pixel_of_every_frame(net: LipReadNet):
    x = crops(1, 5).requires_grad_()
    features(net, x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad[0].abs().amax((1, 2)) > 0).all()
    assert (x.grad != 0).double().mean() > 0.9
