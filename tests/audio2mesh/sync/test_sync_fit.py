from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model

from audio2mesh.sync.averaged import OptimiserOptions
from audio2mesh.sync.check import offset_score
from audio2mesh.sync.fit import SyncFitOptions, new_syncnet, new_trainer
from audio2mesh.sync.network import SyncNetOptions
from audio2mesh.sync.segments import SegmentOptions, cut_item, running_speech
from audio2mesh.sync.train import ContrastOptions
from audio2mesh.training.augment import AugmentOptions

CLEAN = SegmentOptions(augment=AugmentOptions(clean=1.0), amplitude=0.1, wobble=0.05)


def _options(tmp_path, steps: int) -> SyncFitOptions:
    train = ContrastOptions(
        batch=4, pool=4, renew=4, optimiser=OptimiserOptions(steps, 3e-3, average=0.9)
    )
    return SyncFitOptions(
        (tmp_path,), "loss", net=SyncNetOptions(32, 16), train=train, segments=CLEAN
    )


def _clips():
    model = tiny_model()
    return [talking_clip(model), talking_clip(model, "b", 7.0)]


def _trainer(face, tmp_path, steps):
    options, clips = _options(tmp_path, steps), _clips()
    net = new_syncnet(clips, face, options)
    return net, new_trainer(net, clips, face, options)


def test_offsets_are_learned_from_a_clip_and_found_in_another(face, tmp_path):
    net, trainer = _trainer(face, tmp_path, 60)
    losses = [trainer.train_step() for _ in range(60)]
    first, last = (np.mean([loss["window"] for loss in part]) for part in (losses[:5], losses[-5:]))
    assert last < first - 0.5
    trainer.run.use_average()
    other = replace(talking_clip(tiny_model(), "c", 8.0), lag=0.0)
    for fps in (25, 30):
        assert offset_score(net, other, face, fps).near >= 0.95


def test_a_resumed_run_ends_where_an_unbroken_one_does(face, tmp_path):
    _, unbroken = _trainer(face, tmp_path, 12)
    for _ in range(10):
        unbroken.train_step()
    _, broken = _trainer(face, tmp_path, 12)
    for _ in range(6):
        broken.train_step()
    broken.run.save(tmp_path / "state", "record")
    _, resumed = _trainer(face, tmp_path, 12)
    with pytest.raises(ValueError, match="other options or data"):
        resumed.run.resume(tmp_path / "state", "another")
    resumed.run.resume(tmp_path / "state", "record")
    for _ in range(4):
        resumed.train_step()
    for name, value in unbroken.run.average.items():
        assert torch.equal(value, resumed.run.average[name]), name


def test_modelled_motion_keeps_to_its_share():
    real = talking_clip(tiny_model())
    made = [
        replace(talking_clip(tiny_model(), f"m{i}", 3.0), origin="modelled", fps=30.0)
        for i in range(20)
    ]
    options = replace(CLEAN, modelled=0.25)
    sources = running_speech([real, *made], 0)
    assert {clip.origin for clip in sources} == {"captured", "modelled"}
    assert all(clip.seconds > 6 for clip in sources if clip.origin == "modelled")
    marked = [
        replace(c, motion=replace(c.motion, coefficients=torch.full_like(c.motion.coefficients, m)))
        for c in sources
        for m in [float(c.origin == "modelled")]
    ]
    rng = np.random.default_rng(0)
    drawn = [float(cut_item(marked, options, rng).mouth.amax()) for _ in range(60)]
    assert 5 <= sum(drawn) <= 27
