"""The learned losses as training composes them."""

from pathlib import Path

import pytest
import torch

from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.training.losses import Batch
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry
from common.errors import InputError
from configs.commands import train
from configs.commands.train import critic_factories, critic_record
from configs.options import CriticOptions

CPU = torch.device("cpu")


def test_the_shipped_sync_critic_pulls_at_the_motion():
    head = load_head()
    sync = critic_factories(CriticOptions(), head)["sync"](face_geometry(head), 25, CPU)
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
    head = load_head()
    options = CriticOptions(syncnet=tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        critic_factories(options, head)["sync"](face_geometry(head), 25, CPU)


def test_the_lip_reading_critic_is_content_with_the_truth_alone():
    head = load_head()
    options = CriticOptions(teacher="truth")
    critic = critic_factories(options, head)["lipreading"](face_geometry(head), 25, CPU)
    units = head.units[[head.unit_names.index("jawOpen")]]
    true = torch.linspace(0, 0.8, 10)[None, :, None]
    mel, times = torch.zeros(1, 40, 80), ((torch.arange(10) + 0.5) / 25)[None]

    def judged(motion: torch.Tensor) -> torch.Tensor:
        return critic(Batch(Motion(motion, units), Motion(true, units), mel, ("a",), times))

    still = torch.zeros_like(true).requires_grad_()
    loss = judged(still)
    loss.backward()
    assert judged(true) < 1e-4 < loss and still.grad is not None and still.grad.any()


def test_the_lip_reading_loss_is_for_the_head_that_can_be_drawn():
    head = load_head()
    make = critic_factories(CriticOptions(), head)["lipreading"]
    with pytest.raises(ValueError, match="draws the mouth of anny-head at 25 fps"):
        make(face_geometry(head), 30, CPU)


def test_a_teacher_is_the_truth_or_a_folder_of_films(tmp_path: Path):
    head = load_head()
    options = CriticOptions(teacher=str(tmp_path / "weights.safetensors"))
    with pytest.raises(InputError, match="give 'truth' or an existing folder of films"):
        critic_factories(options, head)["lipreading"](face_geometry(head), 25, CPU)


def test_the_record_names_the_critics_but_no_folders(tmp_path: Path):
    options = CriticOptions(teacher=str(tmp_path / "films"), syncnet=tmp_path / "ours.safetensors")
    assert critic_record(options) == {
        "lipreader": None,
        "syncnet": "ours.safetensors",
        "teacher": "films",
    }


def test_a_device_must_also_draw_where_mouths_are_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """On a machine with a CUDA device on which gsplat does not work."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "a device")
    monkeypatch.setattr(train, "why_not_gsplat", lambda: "gsplat does not work here")
    assert train.training_device("auto", False).type == "cuda"
    assert train.training_device("auto", True).type == "cpu"
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "device: cuda:0 (CUDA device a device)",
        "device: cpu (gsplat does not work here)",
    ]
    with pytest.raises(InputError, match="cannot compute on CUDA: gsplat does not work here"):
        train.training_device("cuda", True)
