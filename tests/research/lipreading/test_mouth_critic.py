import pytest
import torch

from audio2mesh.lipreading.network import LipReadNet, LipReadOptions, load_lipreader
from audio2mesh.model.motion import Motion
from audio2mesh.training.losses import Batch
from avatar.heads import load_head
from research.lipreading.critic import (
    Stretch,
    lipreading_critic,
    lipreading_loss,
    truth_teacher,
)
from research.lipreading.render import mouth_renderer

HEAD = load_head()
RENDER = mouth_renderer(HEAD)
BASIS = torch.stack([HEAD.unit(name) for name in ("jawOpen", "mouthPucker", "eyeBlinkLeft")])
PART = {"stretches": 1, "frames": 6}


@pytest.fixture(scope="module")
def net() -> LipReadNet:
    torch.manual_seed(0)
    net = LipReadNet(LipReadOptions(width=32, layers=1, heads=2)).eval().requires_grad_(False)
    with torch.no_grad():
        seen = net.encode(RENDER(HEAD.vertices + motion(1, 8).offsets()[0])[None])
        net.centre.copy_(seen.mean((0, 1)))
        net.spread.copy_(seen.std((0, 1)))
    return net


def motion(batch: int, frames: int, phase: float = 0.0) -> Motion:
    t = torch.arange(frames) + phase + 3 * torch.arange(batch)[:, None]
    curves = [0.3 + 0.3 * torch.sin(0.9 * t), 0.3 + 0.3 * torch.cos(0.6 * t), 0.0 * t]
    return Motion(torch.stack(curves, -1), BASIS)


def batch_of(predicted: torch.Tensor, true: Motion) -> Batch:
    rows, frames = true.coefficients.shape[:2]
    times = (torch.arange(frames) + 0.5) / 25 + torch.arange(rows)[:, None]
    names = tuple("abcdefgh"[:rows])
    return Batch(Motion(predicted, BASIS), true, torch.zeros(rows, 4 * frames, 80), names, times)


def test_a_student_like_its_teacher_has_no_loss():
    """As the reader that ships sees it: one that never learned sees hardly any mouth move."""
    net = load_lipreader().requires_grad_(False)
    true = motion(2, 8)
    critic = lipreading_critic(
        net, RENDER, HEAD.vertices, truth_teacher(RENDER, HEAD.vertices), **PART
    )
    assert critic(batch_of(true.coefficients, true)).item() == pytest.approx(0, abs=1e-5)
    assert critic(batch_of(torch.zeros_like(true.coefficients), true)) > 0.1


def test_a_step_along_the_gradient_lowers_the_loss(net: LipReadNet):
    true = motion(1, 6)
    critic = lipreading_critic(
        net, RENDER, HEAD.vertices, truth_teacher(RENDER, HEAD.vertices), **PART
    )
    predicted = (0.7 * true.coefficients).requires_grad_()
    loss = critic(batch_of(predicted, true))
    (gradient,) = torch.autograd.grad(loss, predicted)
    assert (gradient[..., :2].abs().amax((0, 2)) > 0).all()
    assert gradient[..., 2].abs().max() < 0.05 * gradient.abs().max()  # eyelids are no mouth
    step = 0.02 * gradient / gradient.abs().max()
    assert critic(batch_of((predicted - step).detach(), true)) < loss


def test_the_same_batch_is_judged_alike(net: LipReadNet):
    true = motion(3, 12)
    critic = lipreading_critic(
        net, RENDER, HEAD.vertices, truth_teacher(RENDER, HEAD.vertices), **PART
    )
    batch = batch_of(0.5 * true.coefficients, true)
    assert critic(batch) == critic(batch)


def test_windows_without_a_teacher_are_passed_over(net: LipReadNet):
    asked = []

    def only_b(stretch: Stretch) -> torch.Tensor | None:
        asked.append(stretch)
        if stretch.clip != "b":
            return None
        return torch.rand(6, 88, 88, generator=torch.Generator().manual_seed(0))

    true = motion(4, 12)
    critic = lipreading_critic(net, RENDER, HEAD.vertices, only_b, **PART)
    predicted = true.coefficients.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(batch_of(predicted, true)), predicted)
    moved = gradient.abs().amax((1, 2)) > 0
    assert moved.tolist() == [False, True, False, False]
    (of_b,) = [stretch for stretch in asked if stretch.clip == "b"]
    frames = (gradient[1].abs().amax(1) > 0).nonzero()
    seen = (25 * (of_b.times - 1) - 0.5).round().long()
    assert (frames.min(), frames.max()) == (seen[0], seen[-1])
    assert torch.equal(of_b.true.coefficients, true.coefficients[1, seen])


def test_without_any_teacher_the_loss_is_zero_and_still_has_a_gradient(net: LipReadNet):
    true = motion(2, 8)
    predicted = true.coefficients.clone().requires_grad_()
    loss = lipreading_critic(net, RENDER, HEAD.vertices, lambda _: None)(batch_of(predicted, true))
    (gradient,) = torch.autograd.grad(loss, predicted)
    assert loss == 0
    assert (gradient == 0).all()


def test_the_loss_lies_between_nothing_and_two(net: LipReadNet):
    crops = torch.rand(2, 5, 88, 88)
    assert 0 < lipreading_loss(net, *crops) < 2
    assert lipreading_loss(net, crops[0], crops[0]).item() == pytest.approx(0, abs=1e-5)
