"""Every training runs where it is told to, and the device changes nothing but rounding."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lip_reels import bright_reel, bright_windows
from other_device import OTHER, on_cpu, other_device
from speech_models import talking_clip, tiny_model

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.phones import PHONES
from audio2mesh.lipreading.network import LipReadNet, LipReadOptions
from audio2mesh.sync.critic import sync_critic
from audio2mesh.sync.fit import new_trainer
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.options import ContrastOptions, SyncFitOptions, SyncNetOptions
from audio2mesh.training.motion_task import motion_trainer
from audio2mesh.training.options import AugmentOptions, LossWeights, TrainOptions
from audio2mesh.training.trainer import Trainer
from research.corpus.options import RecogniserOptions
from research.corpus.teaching import PhoneTask
from research.lipreading.lip_task import (
    fit_blank,
    fit_feature_scale,
    fit_grammar,
    lip_scores,
    lip_trainer,
)
from research.lipreading.options import LipTrainOptions

CPU = torch.device("cpu")
CLEAN = AugmentOptions(clean=1.0)
Make = Callable[[FaceGeometry, torch.device], Trainer[Any]]


def motion(face: FaceGeometry, device: torch.device) -> Trainer[Any]:
    """With every loss there is, SyncNet3D's among them."""
    torch.manual_seed(0)
    model = tiny_model(moving=True).to(device)
    clips = [talking_clip(tiny_model()), talking_clip(tiny_model(), "b", 7.0)]
    critic = SyncNet3D(torch.randn(5, 3), torch.randn(4, 5, 3), "loss", SyncNetOptions(16, 8))
    judge = sync_critic(critic.to(device), face.to(device), 25)
    options = TrainOptions(
        steps=4,
        batch=2,
        passes=2,
        windows=2,
        precision="float32",
        augment=CLEAN,
        losses=LossWeights(sealing=1, sync=1),
    )
    halves = np.full(2, 0.5)
    return motion_trainer(model, clips, halves, face, options, {"sync": judge})


def sync(face: FaceGeometry, device: torch.device) -> Trainer[Any]:
    train = ContrastOptions(steps=4, batch=2, pool=3, windows=8)
    chosen = SyncFitOptions((Path(),), "loss", Path(), net=SyncNetOptions(16, 8), train=train)
    return new_trainer([talking_clip(tiny_model())], face, chosen, device)


def lips(face: FaceGeometry, device: torch.device) -> Trainer[Any]:
    torch.manual_seed(0)
    net = LipReadNet(LipReadOptions(width=16, layers=1, heads=2)).to(device)
    options = LipTrainOptions(steps=4, batch=2, frames=20, rehearsal=1, looking=1)
    return lip_trainer(net, bright_windows(), options)


def phones(face: FaceGeometry, device: torch.device) -> Trainer[Any]:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(5, 100, 12, generator=random).half()
    labels = torch.randint(0, len(PHONES), (5, 100), generator=random)
    options = RecogniserOptions(steps=4, batch=2)
    return Trainer(PhoneTask(features, labels, options, device), options)


def trained(trainer: Trainer[Any]) -> dict[str, torch.Tensor]:
    """The state after all steps, taken up once on the way."""
    for step in range(trainer.options.steps):
        if step == 2:
            trainer.set_state({name: on_cpu(t).clone() for name, t in trainer.state().items()})
        trainer.prepare()
        trainer.train_step()
    trainer.use_average()
    return {name: on_cpu(tensor).cpu() for name, tensor in trainer.state().items()}


def assert_same(make: Make, face: FaceGeometry, device: torch.device, atol: float) -> None:
    wanted = trained(make(face, CPU))
    trainer = make(face, device)
    found = trained(trainer)
    assert next(trainer.net.parameters()).device == device
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, atol=atol, rtol=1e-4, msg=name)


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize("make", [motion, sync, lips, phones])
def test_a_training_makes_every_tensor_on_its_device(make: Make, face: FaceGeometry):
    with other_device():
        assert_same(make, face, OTHER, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("make", [motion, sync, lips])
def test_a_training_on_cuda_goes_as_on_the_cpu(make: Make, face: FaceGeometry, cuda: torch.device):
    """All weights together: Adam moves a weight whose gradient is zero, but for rounding, at will.
    Without dropout, as each device draws by itself what it drops."""
    here, there = (without_dropout(make(face, device)) for device in (CPU, cuda))
    start = weights(here.state())
    with torch.backends.cudnn.flags(allow_tf32=False):
        wanted, found = (weights(trained(trainer)) for trainer in (here, there))
    assert (found - wanted).norm() < 0.1 * (wanted - start).norm()


def without_dropout(trainer: Trainer[Any]) -> Trainer[Any]:
    for layer in trainer.net.modules():
        if isinstance(layer, torch.nn.Dropout | torch.nn.Dropout1d):
            layer.p = 0.0
    return trainer


def weights(state: dict[str, torch.Tensor]) -> torch.Tensor:
    """All that a network has learnt, in one row."""
    return torch.cat([on_cpu(t).flatten() for name, t in state.items() if name.startswith("net.")])


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_lip_reader_is_finished_and_tested_on_its_device(face: FaceGeometry, elsewhere: bool):
    with other_device() if elsewhere else nullcontext(CPU) as device:
        task = lips(face, device).task
        fit_feature_scale(task)
        reels = [bright_reel(20, seed) for seed in range(2)]
        fit_blank(task.net, reels)
        fit_grammar(task.net, [["M", "AA"]], reels)
        assert set(lip_scores(task.net, reels)) == {
            "phones",
            "visemes",
            "lips alone",
            "constant",
            "shuffled",
        }


def test_mixed_devices_are_noticed():
    with other_device() as device, pytest.raises(RuntimeError, match="on one device"):
        torch.ones(3, device=device).add(torch.ones(3))
