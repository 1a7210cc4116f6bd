import numpy as np
import pytest
import torch

from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.network import SyncNet3D, lip_directions, lip_offsets
from audio2mesh.sync.offsets import find_offsets, lse, shifted_distances
from audio2mesh.sync.options import SyncNetOptions


def _net(face, basis) -> SyncNet3D:
    torch.manual_seed(0)
    rest, offsets = lip_offsets(Motion(torch.randn(50, len(basis)), basis), face)
    return SyncNet3D(rest, lip_directions(offsets), "loss", SyncNetOptions(16, 8)).eval()


@pytest.fixture
def case(face):
    torch.manual_seed(1)
    basis = torch.randn(3, len(face.rest), 3) * 0.002
    motion = Motion(torch.randn(70, 3), basis)
    return _net(face, basis), motion, 0.1 * torch.randn(70 * 640)


def test_lse_agrees_with_its_naive_twin(face, case):
    net, motion, audio = case
    net.requires_grad_(False)
    mouth = net.embed_motion(motion, face, 25)
    sound = net.embed_mel(log_mel(audio), 25, len(mouth))
    means = []
    for offset in range(-10, 11):
        pairs = [
            float(torch.dist(mouth[w], sound[w - offset]))
            for w in range(len(mouth))
            if 0 <= w - offset < len(sound)
        ]
        means.append(np.mean(pairs))
    found = lse(net, motion, log_mel(audio), face, 25)
    assert found == pytest.approx((min(means), np.median(means) - min(means)), abs=1e-5)


@pytest.mark.parametrize("shift", [-7, 0, 3])
def test_late_motion_has_a_positive_offset(shift):
    sound = torch.nn.functional.normalize(torch.randn(60, 16), dim=-1)
    mouth = torch.roll(sound, shift, 0)
    mean = shifted_distances(sound, mouth)[10:-10].mean(0)
    assert int(mean.argmin()) - 10 == shift


def test_every_stretch_has_an_offset_and_a_share_of_speech(face, case):
    net, motion, audio = case
    offsets, speech = find_offsets(net, motion, log_mel(audio), face, 25, 2.0)
    assert len(offsets) == 70 - 50 + 1
    assert offsets.abs().max() <= 10
    assert ((speech >= 0) & (speech <= 1)).all()
    with pytest.raises(ValueError, match="shorter than the 9 s"):
        find_offsets(net, motion, log_mel(audio), face, 25, 9.0)
