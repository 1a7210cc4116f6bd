"""The network's laws, and the motion that it makes."""

import math

import pytest
import torch
from torch import Tensor

from audio2mesh.head.generate import HOP, head_motion
from audio2mesh.head.measures import diversity, seam_ratio
from audio2mesh.head.network import CONTEXT, WINDOW, Code, PoseNet
from audio2mesh.head.options import PoseNetOptions
from audio2mesh.head.voice import FEATURES

SMALL = PoseNetOptions(16, 8)


def untrained() -> PoseNet:
    torch.manual_seed(0)
    return PoseNet(torch.tensor([3.0, 2.0, 1.0]), SMALL).eval()


def voice(frames: int) -> Tensor:
    return torch.rand(frames, len(FEATURES), generator=torch.Generator().manual_seed(1))


def test_divergence_is_that_of_the_distributions():
    code = Code(torch.tensor([[0.0, 1.0, -2.0]]), torch.tensor([[0.0, 0.5, -1.0]]))
    own = torch.distributions.Normal(code.mean, (0.5 * code.log_variance).exp())
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(code.divergence(), expected)


def test_the_spread_has_a_layer_of_its_own():
    net = untrained()
    code = net.encode(torch.randn(2, WINDOW, 3), torch.zeros(2, WINDOW, len(FEATURES)))
    assert not torch.allclose(code.mean, code.log_variance)
    code.log_variance.sum().backward()
    assert net.log_variance.weight.grad is not None and net.mean.weight.grad is None


@torch.no_grad()
def test_a_window_goes_on_from_what_was_before():
    net, before = untrained(), torch.randn(2, CONTEXT, 3)
    made = net.decode(
        torch.randn(2, 8), before, torch.tensor([1.0, 0.0]), voice(WINDOW)[None].expand(2, -1, -1)
    )
    assert torch.equal(made[0, :CONTEXT], before[0])
    assert not torch.allclose(made[1, :CONTEXT], before[1])
    step = made.diff(dim=1).norm(dim=-1)[0]
    assert step[CONTEXT - 1] < 3 * step[CONTEXT:].max()


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
    whole, part = head_motion(net, told, 0), head_motion(net, told[: WINDOW + HOP], 0)
    torch.testing.assert_close(whole[: WINDOW + HOP], part)


def test_seams_are_seen():
    smooth = torch.randn(3 * HOP + WINDOW, 3, generator=torch.Generator().manual_seed(0))
    assert seam_ratio([smooth]) == pytest.approx(1, abs=0.3)
    broken = smooth.clone()
    broken[WINDOW:] += 20
    assert seam_ratio([broken]) > 3
    assert math.isnan(seam_ratio([smooth[:50]]))


def test_diversity():
    one, other = torch.zeros(50, 3), torch.ones(50, 3)
    assert diversity([[one, one]], [one, other]) == 0
    assert diversity([[one, other]], [one, other]) == pytest.approx(1)
