"""The learned losses as training composes them."""

from pathlib import Path

import pytest
import torch

from audio2mesh.critic import Batch
from audio2mesh.mel import log_mel
from audio2mesh.motion import Motion
from avatar.heads import face_geometry, load_head
from configs.joint import JointOptions, critic_factories

CPU = torch.device("cpu")


def test_the_shipped_sync_critic_pulls_at_the_motion():
    head = load_head()
    sync = critic_factories(JointOptions((Path("clips"),)))["sync"](face_geometry(head), 25, CPU)
    units = head.units[[head.unit_names.index("jawOpen")]]
    torch.manual_seed(0)
    coefficients = torch.rand(2, 50, 1, requires_grad=True)
    still = torch.zeros_like(coefficients)
    audio = 0.1 * torch.randn(2, 32_000) * torch.rand(2, 20, 1).repeat(1, 1, 1600).flatten(1)
    batch = Batch(
        Motion(coefficients, units),
        Motion(still, units),
        log_mel(audio),
        ("a", "b"),
        ((torch.arange(50) + 0.5) / 25).expand(2, 50),
    )
    loss = sync(batch)
    loss.backward()
    assert 0 < loss.item() < 2 and coefficients.grad is not None
    assert (coefficients.grad.abs().amax((1, 2)) > 0).all()


def test_a_missing_syncnet_is_named(tmp_path: Path):
    options = JointOptions((tmp_path,), syncnet=tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        critic_factories(options)["sync"](face_geometry(load_head()), 25, CPU)
