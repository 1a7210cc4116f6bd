from dataclasses import replace

import numpy as np
import torch
from speech_models import talking_clip, tiny_model

from audio2mesh.sync.contrast import ContrastTask
from audio2mesh.sync.fit import new_trainer
from audio2mesh.sync.offsets import offset_score
from audio2mesh.sync.options import ContrastOptions, SegmentOptions, SyncFitOptions, SyncNetOptions
from audio2mesh.sync.segments import cut_item, running_speech
from audio2mesh.training.options import AugmentOptions
from audio2mesh.training.trainer import Trainer

CLEAN = SegmentOptions(augment=AugmentOptions(clean=1.0), amplitude=0.1, wobble=0.05)


def trainer_of(face, tmp_path, steps: int) -> Trainer[ContrastTask]:
    train = ContrastOptions(steps=steps, batch=4, learning_rate=3e-3, average=0.9, pool=4, renew=4)
    options = SyncFitOptions(
        (tmp_path,), "loss", tmp_path / "w", net=SyncNetOptions(32, 16), train=train, segments=CLEAN
    )
    model = tiny_model()
    return new_trainer([talking_clip(model), talking_clip(model, "b", 7.0)], face, options)


def test_offsets_are_learned_from_a_clip_and_found_in_another(face, tmp_path):
    trainer, losses = trainer_of(face, tmp_path, 60), []
    for _ in range(60):
        trainer.prepare()
        losses.append(float(trainer.train_step()["window"]))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.5
    trainer.use_average()
    other = replace(talking_clip(tiny_model(), "c", 8.0), lag=0.0)
    for fps in (25, 30):
        assert offset_score(trainer.task.net, other, face, fps).near >= 0.95


def test_old_stretches_give_way_to_new_ones(face, tmp_path):
    task = trainer_of(face, tmp_path, 12).task
    task.prepare(0)
    first = list(task.pool)
    task.prepare(3)
    assert task.pool == first and len(first) == 4
    task.prepare(4)
    assert task.pool[:3] == first[1:] and len(task.pool) == 4
    taken_up = trainer_of(face, tmp_path, 12).task
    taken_up.prepare(4)
    for one, other in zip(task.pool, taken_up.pool, strict=True):
        assert torch.equal(one.mel, other.mel) and torch.equal(one.mouth, other.mouth)


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
