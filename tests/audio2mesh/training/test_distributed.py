"""Two processes of one machine that train together, as torchrun would start them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import two_processes
from speech_models import talking_clip, tiny_model
from support import free_port

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.options import DecoderOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.distributed import average_gradients, process_group, rank, world_size
from audio2mesh.training.motion_task import motion_trainer
from audio2mesh.training.options import AugmentOptions, TrainOptions

CPU = torch.device("cpu")
OPTIONS = TrainOptions(steps=6, batch=4, passes=2, refresh=3, augment=AugmentOptions(clean=1.0))


def _train(face: FaceGeometry, cache: Path) -> dict[str, torch.Tensor]:
    """A few steps without dropout; returns the decoder and its average."""
    tiny = tiny_model()
    still = DecoderOptions(width=16, heads=2, dropout=0, dropout_channels=0, period=5)
    torch.manual_seed(3)
    model = SpeechToMotion(
        tiny.encoder, tiny.basis, "tiny", tiny.styles, replace(tiny.options, decoder=still)
    )
    clips = [talking_clip(model), talking_clip(model, "b", 7.0)]
    trainer = motion_trainer(model, clips, np.full(2, 0.5), face, OPTIONS, cache=cache)
    for _ in range(OPTIONS.steps):
        trainer.prepare()
        trainer.train_step()
    return {**model.decoder.state_dict(), **{f"mean.{n}": t for n, t in trainer.average.items()}}


def _work(number: int, port: int, face: FaceGeometry, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "WORLD_SIZE": "2",
        "RANK": str(number),
        "LOCAL_RANK": str(number),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    with process_group(CPU):
        assert (rank(), world_size()) == (number, 2)
        gradient = torch.nn.Parameter(torch.zeros(2, 3))
        gradient.grad = torch.full((2, 3), float(number))
        average_gradients([gradient, torch.nn.Parameter(torch.zeros(1))])
        assert gradient.grad.eq(0.5).all()
        with pytest.raises(ValueError, match="cannot be shared evenly by 2"):
            motion_trainer(tiny_model(), [], np.zeros(0), face, replace(OPTIONS, batch=3))
        with pytest.raises(ValueError, match="needs --cache"):
            motion_trainer(tiny_model(), [], np.zeros(0), face, OPTIONS)
        torch.save(_train(face, folder / "cache"), folder / f"{number}.pt")


def test_two_processes_train_what_one_does(face: FaceGeometry, tmp_path: Path):
    port = free_port()
    two_processes(_work, *((number, port, face, tmp_path) for number in range(2)), seconds=120)
    alone = _train(face, tmp_path / "other")
    pair = [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(2)]
    moved = alone["output.weight"].abs().max()
    for name, tensor in alone.items():
        assert torch.equal(pair[0][name], pair[1][name]), name
        torch.testing.assert_close(pair[0][name], tensor, atol=float(2e-3 * moved), rtol=1e-3)


def test_one_process_needs_no_group(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with process_group(CPU):
        assert (rank(), world_size()) == (0, 1)
