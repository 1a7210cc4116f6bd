from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model

from audio2mesh.augment import AugmentOptions
from audio2mesh.train import Trainer, TrainOptions, encode_pass, schedule

OPTIONS = TrainOptions(
    steps=30, batch=4, passes=2, refresh=8, augment=AugmentOptions(clean=0.5), learning_rate=3e-3
)


def _trainer(face, options=OPTIONS):
    model = tiny_model()
    torch.manual_seed(5)
    for name, parameter in model.decoder.named_parameters():
        if not name.startswith("output"):
            torch.nn.init.normal_(parameter, std=0.1)
    trainer = Trainer(model, [talking_clip(model), talking_clip(model, "b", 7.0)], face, options)
    trainer.fill()
    trainer.fit_feature_scale()
    return trainer


def test_a_short_run_lowers_its_loss_and_its_average_moves(face):
    trainer = _trainer(face)
    losses = [trainer.train_step()["loss"] for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])
    trainer.use_average()
    assert trainer.model.decoder.output.weight.abs().max() > 0


def test_a_resumed_run_ends_where_an_unbroken_one_does(face, tmp_path):
    unbroken = _trainer(face)
    for _ in range(20):
        unbroken.train_step()
    broken = _trainer(face)
    for _ in range(11):
        broken.train_step()
    broken.save(tmp_path / "state", "options")
    resumed = Trainer(tiny_model(), broken.clips, face, OPTIONS)
    resumed.resume(tmp_path / "state", "options")
    resumed.fill()
    for _ in range(9):
        resumed.train_step()
    for name, value in unbroken.model.decoder.state_dict().items():
        assert torch.equal(value, resumed.model.decoder.state_dict()[name]), name
        assert torch.equal(unbroken.average[name], resumed.average[name]), name


def test_a_run_with_other_options_is_not_continued(face, tmp_path):
    trainer = _trainer(face)
    trainer.save(tmp_path / "state", "one")
    with pytest.raises(ValueError, match="other options or data"):
        trainer.resume(tmp_path / "state", "two")


def test_passes_follow_from_their_seed():
    model = tiny_model()
    clips = [talking_clip(model)]
    one, same, other = (
        encode_pass(model, clips, AugmentOptions(), np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(one.features, same.features)
    assert torch.equal(one.coefficients, same.coefficients)
    assert one.features.shape[1:] == other.features.shape[1:]
    assert not torch.equal(one.coefficients, other.coefficients[: len(one.coefficients)])


def test_quiet_windows_have_a_shut_mouth():
    model = tiny_model()
    quiet = AugmentOptions(quiet=1.0)
    encoded = encode_pass(model, [talking_clip(model)], quiet, np.random.default_rng(0))
    assert not encoded.coefficients.any() and not encoded.styles.any()


def test_features_are_standardised(face):
    trainer = _trainer(face)
    features = torch.cat([p.features for p in trainer.passes]).float()
    standard = (features - trainer.model.feature_mean) / trainer.model.feature_std
    assert standard.mean((0, 1, 2)).abs().mean() < 0.2
    assert standard.std((0, 1, 2)).mean() == pytest.approx(1.0, abs=0.2)


def test_schedule_warms_up_and_ends_at_zero():
    values = [schedule(step, 200) for step in range(200)]
    assert values[0] == pytest.approx(0.1) and max(values) > 0.98
    assert values[-1] < 1e-3 and values[5] < values[9]


def test_losses_are_chosen_by_weight(face):
    only_lips = replace(OPTIONS.losses, vertices=0, velocity=0, gap=0, closure=0)
    trainer = _trainer(face, replace(OPTIONS, losses=only_lips))
    assert set(trainer.train_step()) == {"loss", "lips"}
    assert set(asdict(OPTIONS.losses)) == {"vertices", "lips", "velocity", "gap", "closure"}
