from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.phones import Phone
from audio2mesh.model.options import ModelOptions, WindowOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.batches import draw_rows, inner_frames, mel_steps
from audio2mesh.training.losses import Batch, Critic
from audio2mesh.training.motion_task import (
    MotionTask,
    motion_trainer,
    not_measured,
    phoned_clips,
)
from audio2mesh.training.options import AugmentOptions, LossWeights, TrainOptions
from audio2mesh.training.trainer import Trainer

HALVES = np.array([0.5, 0.5])

OPTIONS = TrainOptions(
    steps=30, batch=4, passes=2, refresh=8, augment=AugmentOptions(clean=0.5), learning_rate=3e-3
)


def _trainer(
    face: FaceGeometry,
    options: TrainOptions = OPTIONS,
    critics: Mapping[str, Critic] | None = None,
    cache: Path | None = None,
) -> Trainer[MotionTask]:
    model = tiny_model()
    torch.manual_seed(5)
    for name, parameter in model.decoder.named_parameters():
        if not name.startswith("output"):
            torch.nn.init.normal_(parameter, std=0.1)
    clips = [talking_clip(model), talking_clip(model, "b", 7.0)]
    return motion_trainer(model, clips, HALVES, face, options, critics, cache)


def stepped(trainer: Trainer[MotionTask], steps: int) -> list[dict[str, float]]:
    """The losses of some more steps."""
    losses = []
    for _ in range(steps):
        trainer.prepare()
        losses.append({name: float(value) for name, value in trainer.train_step().items()})
    return losses


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoded speech that the tests of this file share."""
    return tmp_path_factory.mktemp("cache")


def _pull_down(batch: Batch) -> Tensor:
    """A critic with a random part, which wants the first coefficient small."""
    noise = torch.rand(len(batch.clips), 1)
    return (batch.predicted.coefficients[..., 0] + noise).square().mean()


def test_a_short_run_lowers_its_loss_and_its_average_moves(face: FaceGeometry, cache: Path):
    trainer = _trainer(face, cache=cache)
    losses = [step["loss"] for step in stepped(trainer, 60)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])
    trainer.use_average()
    assert trainer.task.model.decoder.output.weight.abs().max() > 0


@pytest.mark.parametrize(
    ("cached", "precision"), [(False, "float32"), (True, "bfloat16"), (True, "float16")]
)
def test_a_resumed_run_ends_where_an_unbroken_one_does(
    face: FaceGeometry, cache: Path, cached: bool, precision
):
    """Bit for bit, with a critic that is asked at every third step."""
    options = replace(
        OPTIONS, precision=precision, critic_every=3, losses=replace(OPTIONS.losses, sync=0.1)
    )
    critics, store = {"sync": _pull_down}, cache if cached else None
    unbroken, broken = (_trainer(face, options, critics, store) for _ in range(2))
    judged = [number for number, losses in enumerate(stepped(unbroken, 20)) if "sync" in losses]
    assert judged == [0, 3, 6, 9, 12, 15, 18]
    stepped(broken, 11)
    clips = broken.task.clips
    resumed = motion_trainer(tiny_model(), clips, HALVES, face, options, critics, store)
    resumed.set_state({name: tensor.clone() for name, tensor in broken.state().items()})
    resumed.step = 11
    stepped(resumed, 9)
    wanted, found = unbroken.state(), resumed.state()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(tensor, found[name]) for name, tensor in wanted.items())


def test_the_average_is_used_for_a_while(face: FaceGeometry, cache: Path):
    trainer = _trainer(face, cache=cache)
    stepped(trainer, 5)
    before = trainer.task.model.decoder.output.weight.clone()
    with trainer.average_in_use():
        weight = trainer.task.model.decoder.output.weight
        assert torch.equal(weight, trainer.average["output.weight"])
        assert not torch.equal(weight, before)
    assert torch.equal(trainer.task.model.decoder.output.weight, before)


def test_the_cache_changes_nothing(face: FaceGeometry, cache: Path):
    plain, cached = _trainer(face), _trainer(face, cache=cache)
    assert stepped(plain, 10) == stepped(cached, 10)


def test_features_are_standardised(face: FaceGeometry, cache: Path):
    trainer = _trainer(face, cache=cache)
    trainer.prepare()
    model = trainer.task.model
    features = torch.cat([p.features for p in trainer.task.passes]).float()
    standard = (features - model.feature_mean) / model.feature_std
    assert standard.mean((0, 1, 2)).abs().mean() < 0.2
    assert standard.std((0, 1, 2)).mean() == pytest.approx(1.0, abs=0.2)


def test_losses_are_chosen_by_weight(face: FaceGeometry, cache: Path):
    nothing = dict.fromkeys(asdict(OPTIONS.losses), 0.0)
    only_lips = replace(OPTIONS.losses, **{**nothing, "lips": 1.0})
    trainer = _trainer(face, replace(OPTIONS, losses=only_lips), cache=cache)
    assert set(stepped(trainer, 1)[0]) == {"loss", "lips"}
    assert {name for name, weight in asdict(OPTIONS.losses).items() if weight} == {
        "vertices", "lips", "velocity", "gap", "closure", "contact",
        "timing", "width", "swing", "tongue",
    }  # fmt: skip


def test_the_neutral_style_copies_measured_motion_alone(face: FaceGeometry, cache: Path):
    """Modelled motion tells it when lips move; beside no measured motion it is copied."""
    model = tiny_model()
    sizes = {}
    for other in ("tracked", "modelled"):
        clips = [replace(talking_clip(model, "a"), origin="modelled")]
        clips.append(replace(talking_clip(model, "b", 7.0), origin=other))
        vertices = dict.fromkeys(asdict(OPTIONS.losses), 0.0) | {"vertices": 1.0}
        options = replace(OPTIONS, neutral=6.0, losses=LossWeights(**vertices))  # all of them
        weights = np.array([1.0, 0.0])  # only the modelled clip is drawn
        task = motion_trainer(model, clips, weights, face, options, cache=cache).task
        task.prepare(0)
        sizes[other] = float(task.losses(0)[0].detach())
    assert sizes["tracked"] < 0.2 * sizes["modelled"]  # what is left are windows of silence
    assert not_measured(clips) == set()


def test_guessed_motion_loses_its_style_less_often(face: FaceGeometry, cache: Path):
    task = _trainer(face, cache=cache).task
    task.prepare(0)
    rows = draw_rows(task.passes, 2000, 0.6, np.random.default_rng(0), {"b"})
    for clip, wanted in (("a", 0.6), ("b", 0.1)):
        plain = [row.neutral for row in rows if row.clip == clip]
        assert np.mean(plain) == pytest.approx(wanted, abs=0.05)


def test_a_critic_counts_with_its_weight_for_all_steps_between(face: FaceGeometry, cache: Path):
    for every in (1, 4):
        options = replace(OPTIONS, critic_every=every, losses=replace(OPTIONS.losses, sync=0.25))
        with_critic = _trainer(face, options, {"sync": lambda batch: torch.tensor(3.0)}, cache)
        (terms,), (plain,) = stepped(with_critic, 1), stepped(_trainer(face, cache=cache), 1)
        assert terms["sync"] == 3
        assert terms["loss"] == pytest.approx(plain["loss"] + 0.25 * every * 3)


def test_critics_see_motion_sound_and_times_of_the_same_frames(face: FaceGeometry):
    """The clip's sound is as loud as its mouth is open; its name and times lead back to it."""
    seen: list[Batch] = []

    def keep(batch: Batch) -> Tensor:
        seen.append(batch)
        return batch.predicted.coefficients.sum() * 0

    sounds = AugmentOptions(quiet=0, live=0.5, noise=1.0, clean=0)
    options = replace(OPTIONS, batch=12, augment=sounds, losses=replace(OPTIONS.losses, sync=1.0))
    trainer = _trainer(face, options, {"sync": keep})
    stepped(trainer, 1)
    (batch,) = seen
    frames, loudness = batch.true.coefficients.shape[1], batch.mel.exp().sum(-1)
    assert batch.predicted.coefficients.shape == batch.true.coefficients.shape
    assert batch.mel.shape == (12, 4 * frames, 80) and batch.times.shape == (12, frames)
    assert set(batch.clips) == {"a", "b"}
    level = loudness.unflatten(1, (-1, 4)).mean(-1).sqrt()
    opening = batch.true.coefficients[..., 0]
    assert torch.corrcoef(torch.stack([level.flatten(), opening.flatten()]))[0, 1] > 0.95
    clips = {clip.name: clip for clip in trainer.task.clips}
    for name, times, row in zip(batch.clips, batch.times, opening, strict=True):
        inside = times.isfinite()
        curve = clips[name].motion.coefficients[:, 0]
        told = np.interp(times[inside], np.arange(len(curve)) / 30, curve)
        np.testing.assert_allclose(row[inside], told, atol=0.05)


def test_frames_that_are_not_heard_teach_nothing(face: FaceGeometry):
    options = replace(OPTIONS, augment=AugmentOptions(live=1.0, ahead=9.0, quiet=0))
    trainer = _trainer(face, options)
    assert stepped(trainer, 1)[0]["loss"] < 1e-4  # every frame lacks nine seconds of sound to come
    assert not trainer.task.model.decoder.output.weight.any()


@pytest.mark.parametrize(("fps", "frames", "margin"), [(25, 200, 25), (30, 200, 25), (24, 192, 24)])
def test_the_mel_is_cut_where_the_frames_are(fps: int, frames: int, margin: int):
    options = ModelOptions(fps=fps, window=WindowOptions(frames=frames, margin=margin))
    tiny = tiny_model()
    model = SpeechToMotion(tiny.encoder, tiny.basis, "tiny", options=options)
    inner = inner_frames(model)
    steps = mel_steps(inner, fps)
    assert steps.start / 100 == pytest.approx(inner.start / fps)
    assert 0 <= inner.stop / fps - steps.stop / 100 < 0.01
    assert 8 < inner.start <= 12


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_learns_as_well(face: FaceGeometry, cache: Path, precision):
    trainer = _trainer(face, replace(OPTIONS, precision=precision), cache=cache)
    plain = _trainer(face, cache=cache)
    losses, wanted = ([step["loss"] for step in stepped(each, 60)] for each in (trainer, plain))
    assert trainer.average["output.weight"].dtype == torch.float32
    assert losses != wanted
    # float16 leaves out its first steps, until the scale of its losses fits
    assert np.mean(losses[-5:]) == pytest.approx(np.mean(wanted[-5:]), rel=0.2)


def test_films_with_phones_are_not_sealed():
    clip = replace(talking_clip(tiny_model(), "modelled"), phones=(Phone("M", 0.1, 0.2),))
    film = replace(clip, name="film", origin="tracked")
    wordless = replace(clip, name="wordless", phones=())
    assert phoned_clips([replace(clip, origin="modelled"), film, wordless]) == {"modelled"}
