"""The network's laws, and the motion that it makes."""

import pytest
import torch
from torch import Tensor

from audio2mesh.pose_vae.network import (
    CONTEXT,
    MARGIN,
    WINDOW,
    Code,
    PoseNet,
    head_motion,
    joined_on,
)
from audio2mesh.pose_vae.options import PoseNetOptions
from audio2mesh.pose_vae.tracks import FEATURES

SMALL = PoseNetOptions(16, 8)


def untrained() -> PoseNet:
    torch.manual_seed(0)
    return PoseNet(torch.tensor([3.0, 2.0, 1.0]), SMALL).eval()


def voice(frames: int) -> Tensor:
    return torch.rand(frames, len(FEATURES), generator=torch.Generator().manual_seed(1))


def test_divergence_is_that_of_the_distributions():
    code = Code(torch.tensor([[0.0, 1.0, -2.0]]), torch.tensor([[0.0, 0.5, -1.0]]))
    other = Code(torch.tensor([[0.0, -1.0, 0.3]]), torch.tensor([[0.0, -0.5, 2.0]]))
    own, others = (
        torch.distributions.Normal(c.mean, (0.5 * c.log_variance).exp()) for c in (code, other)
    )
    expected = torch.distributions.kl_divergence(own, others)
    torch.testing.assert_close(code.divergence(other), expected)
    assert code.divergence(code).abs().max() < 1e-6


def test_the_spread_has_a_layer_of_its_own():
    net = untrained()
    code = net.encode(torch.randn(2, WINDOW, 3), torch.zeros(2, WINDOW, len(FEATURES)))
    assert not torch.allclose(code.mean, code.log_variance)
    code.log_variance.sum().backward()
    assert net.encoder.log_variance.weight.grad is not None
    assert net.encoder.mean.weight.grad is None


@torch.no_grad()
def test_a_window_goes_on_from_what_was_before():
    made, tail = torch.randn(2, WINDOW, 3), torch.randn(2, CONTEXT + MARGIN, 3)
    joined = joined_on(tail, made)
    assert torch.equal(joined[:, :CONTEXT], tail[:, :CONTEXT])
    assert torch.equal(joined[:, 50:], made[:, 50:])
    same = joined_on(made[:, : CONTEXT + MARGIN], made)
    torch.testing.assert_close(same, made)


def test_a_steady_turn_goes_on():
    """Where what is decoded stands still elsewhere."""
    t = torch.arange(CONTEXT + MARGIN)[None, :, None].expand(1, -1, 3).float()
    joined = joined_on(0.1 * t, torch.full((1, WINDOW, 3), 5.0))
    torch.testing.assert_close(joined[:, : CONTEXT + MARGIN], 0.1 * t)
    assert joined.diff(dim=1).diff(dim=1).abs().max() < 0.1
    assert (joined[:, 50:] == 5).all()


@torch.no_grad()
def test_what_is_not_known_does_not_matter():
    net, code, told = untrained(), torch.randn(1, 8), voice(WINDOW)[None]
    some = net.decode(code, torch.randn(1, CONTEXT, 3), torch.zeros(1), told)
    other = net.decode(code, torch.randn(1, CONTEXT, 3), torch.zeros(1), told)
    assert torch.equal(some, other)


@pytest.mark.parametrize("frames", [0, 1, 9, 10, 99, 100, 101, 190, 400])
def test_a_motion_is_as_long_as_the_voice(frames: int):
    made = head_motion(untrained(), voice(frames), 0)
    assert made.shape == (frames, 3) and made.isfinite().all()


def test_a_take_repeats_itself_and_another_differs():
    net, told = untrained(), voice(300)
    assert torch.equal(head_motion(net, told, 1), head_motion(net, told, 1))
    assert not torch.allclose(head_motion(net, told, 1), head_motion(net, told, 2), atol=0.01)


def test_the_end_of_the_voice_does_not_change_its_start():
    net, told = untrained(), voice(400)
    whole, part = head_motion(net, told, 0), head_motion(net, told[:180], 0)
    torch.testing.assert_close(whole[:170], part[:170], atol=1e-4, rtol=0)
