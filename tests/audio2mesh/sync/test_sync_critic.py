from dataclasses import replace

import pytest
import torch

from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.critic import sync_critic
from audio2mesh.sync.network import SyncNet3D, lip_directions, lip_offsets
from audio2mesh.sync.options import SyncNetOptions
from audio2mesh.training.losses import Batch


@pytest.fixture
def net(face) -> SyncNet3D:
    torch.manual_seed(0)
    moved = Motion(torch.randn(50, 3), torch.randn(3, len(face.rest), 3) * 0.002)
    rest, offsets = lip_offsets(moved, face)
    return SyncNet3D(rest, lip_directions(offsets), "loss", SyncNetOptions(16, 8))


def _batch(face, frames: int = 20) -> Batch:
    torch.manual_seed(1)
    basis = torch.randn(3, len(face.rest), 3) * 0.002
    motion = Motion(torch.randn(2, frames, 3, requires_grad=True), basis)
    times = ((torch.arange(frames) + 0.5) / 25).expand(2, -1).clone()
    mel = log_mel(0.1 * torch.randn(2, frames * 640))
    return Batch(motion, motion, mel, ("a", "b"), times)


def test_the_gradient_reaches_every_frame(face, net):
    batch = _batch(face)
    sync_critic(net, face, 25)(batch).backward()
    gradient = batch.predicted.coefficients.grad
    assert gradient is not None
    assert (gradient.abs().sum(-1) > 0).all()
    assert all(p.grad is None for p in net.parameters())


def test_the_gradient_is_that_of_finite_differences(face, net):
    batch, critic = _batch(face, 6), sync_critic(net.double(), face, 25)
    basis = batch.predicted.basis.double()

    def loss(coefficients):
        return critic(replace(batch, predicted=Motion(coefficients, basis), mel=batch.mel.double()))

    start = batch.predicted.coefficients.detach().double().requires_grad_()
    assert torch.autograd.gradcheck(loss, start)


def test_the_critic_is_the_mean_over_windows_with_speech_inside_their_recording(face, net):
    batch = _batch(face)
    batch.times[0, :8] = torch.nan
    mel = batch.mel.clone()
    mel[1, 40:] = -11.5
    loss = sync_critic(net, face, 25)(replace(batch, mel=mel))
    mouth = net.embed_motion(batch.predicted, face, 25)
    sound = net.embed_mel(mel, 25, 16)
    apart = 1 - (mouth * sound).sum(-1)
    heard = torch.cat([apart[0, 8:], apart[1, :9]])  # the ninth of b has 8 loud steps, the next 4
    torch.testing.assert_close(loss, heard.mean())


def test_silence_costs_nothing(face, net):
    batch = _batch(face)
    silent = replace(batch, mel=torch.full_like(batch.mel, -11.5))
    assert sync_critic(net, face, 25)(silent) == 0


def test_the_evaluation_instance_is_no_loss(face, net):
    net.role = "evaluation"
    with pytest.raises(ValueError, match="must not be a training loss"):
        sync_critic(net, face, 25)
