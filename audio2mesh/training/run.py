"""A whole training run: read clips, train with progress and a log, score, write the weights."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import torch
from rich.progress import Progress, TimeRemainingColumn

from audio2mesh.data.clips import Clip, clip_frames
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.sources import SourceOptions, TrainingData, load_sources, to_common_basis
from audio2mesh.evaluation.clip_scores import format_scores, motion_scores
from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.encoder import SpeechEncoder, load_encoder
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import NEUTRAL, ModelOptions, SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.training.critic import Critic
from audio2mesh.training.distributed import local_rank, process_group, rank
from audio2mesh.training.losses import CRITICS
from audio2mesh.training.trainer import Trainer, TrainOptions
from common.device import Device, pick_device
from common.errors import InputError
from common.signals import unbroken

_SCORED_ONE_BY_ONE = 8  # clips; of more only the mean is printed

CriticFactory = Callable[[FaceGeometry, int, torch.device], Critic]
"""(face, frames per second, device) → the critic."""


@dataclass(frozen=True)
class FitOptions(SourceOptions):
    """Train speech-to-motion weights on clips of speech with face motion, or score weights."""

    out: Path | None = None
    """Weights file to write; without it the shipped weights, or --score, are only scored."""
    score: Path | None = None
    """Weights file to score, when nothing is trained."""
    cache: Path | None = None
    """Folder in which encoded speech is kept, for other runs on the same data; it may grow to
    --train.passes times 0.2 GB and more."""
    head: Literal["anny-head"] = "anny-head"
    """Topology whose vertices are to move by speech-motion clips."""
    encoder: str | None = None
    """Speech encoder: a folder or a hub name; by default that of the shipped weights."""
    layers: tuple[int, ...] = (2, 3, 4)
    """Encoder blocks whose outputs are used, counted from 1 (only with --encoder)."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is."""
    every: int = 100
    """Steps between two scorings of the validation clips; the run is saved at each."""
    model: ModelOptions = field(default_factory=ModelOptions)
    """The model."""
    train: TrainOptions = field(default_factory=TrainOptions)
    """The training."""


def fit(
    options: FitOptions,
    units: FaceUnits,
    face: FaceGeometry,
    critics: Mapping[str, CriticFactory] | None = None,
) -> None:
    """Train and write `options.out`, or score weights if there is none.

    units: the expression units of the head; face: its rest vertices and lips; critics: how to make
    the learned losses, by the names of their weights. Raises InputError for data that do not fit
    the options, or where no clip is left.
    """
    device = pick_device(options.device, local_rank())
    data = load_sources(options, units, face, options.head)
    if options.out is None:
        print_scores(load_model(options.score, device), data.held, data.face)
        return
    if not data.training:
        folders = ", ".join(map(str, options.data))
        raise InputError(f"{folders}: every clip is held out, none is left to train on")
    with process_group(device):
        train(options, options.out, to_common_basis(data), critics or {}, device)


def train(
    options: FitOptions,
    out: Path,
    data: TrainingData,
    critics: Mapping[str, CriticFactory],
    device: torch.device,
) -> dict[str, dict[str, float]]:
    """Train, score the held-out clips on the way and write the weights; returns their scores."""
    model = new_model(options, data).to(device)
    trainer = Trainer(
        model,
        data.training,
        data.weights,
        data.face,
        options.train,
        make_critics(options, critics, data, device),
        options.cache,
    )
    record = run_record(options, model, data)
    state, log = out.with_name(out.name + ".state"), out.with_name(out.name + ".log.jsonl")
    if state.exists():
        trainer.resume(state, record)
        print(f"continuing {state} at step {trainer.step}")
    first = rank() == 0
    try:
        run(trainer, options, data, log if first else None, lambda: trainer.save(state, record))
    except KeyboardInterrupt:
        if first:
            trainer.save(state, record)
            print(f"stopped at step {trainer.step}; the same command continues from {state}")
        raise
    trainer.use_average()
    if not first:
        return {}
    scores = score_clips(model, data.held, data.face)
    save_model(model, out, {**json.loads(record), "steps": trainer.step, "scores": scores})
    state.unlink(missing_ok=True)
    print_scores(model, data.held, data.face)
    print(f"wrote {out}")
    return scores


def run(
    trainer: Trainer,
    options: FitOptions,
    data: TrainingData,
    log: Path | None,
    save: Callable[[], None],
) -> None:
    """All steps that remain, with progress and a log of one JSON object per line.

    Of several processes only the one with a `log` reports, scores and saves.
    """
    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, disable=log is None) as progress:
        encoding = progress.add_task("encode speech", total=None)
        trainer.fill(lambda done, total: progress.update(encoding, completed=done, total=total))
        if trainer.step == 0:
            trainer.fit_feature_scale()
            if log is not None:
                log.write_text("")
        trainer.synchronise()
        task = progress.add_task("train", total=options.train.steps, completed=trainer.step)
        while trainer.step < options.train.steps:
            trainer.fill()
            with unbroken():
                losses = trainer.train_step()
                progress.update(task, completed=trainer.step)
                if log is not None:
                    scores = {}
                    if trainer.step % options.every == 0:
                        save()
                        scores = average_scores(trainer, data)
                    for line in score_lines(scores):
                        progress.print(f"step {trainer.step}  {line}")
                    add_line(log, {"step": trainer.step, **losses, "scores": scores})


def add_line(log: Path, entry: Mapping[str, Any]) -> None:
    """Append one JSON object on a line of its own."""
    with log.open("a") as lines:
        lines.write(json.dumps(entry) + "\n")


def new_model(options: FitOptions, data: TrainingData) -> SpeechToMotion:
    """An untrained model with one speaking style per style of the clips, and the neutral one.

    Its frame rate is that of the data, unless the options name another than the usual 25.
    """
    encoder: SpeechEncoder
    if options.encoder is None:
        encoder = load_model().encoder
    else:
        encoder = load_encoder(options.encoder, options.layers)
    form = options.model
    if form.fps == ModelOptions().fps:
        form = replace(form, fps=data.fps)
    torch.manual_seed(options.train.seed)
    styles = (NEUTRAL, *sorted({clip.style for clip in data.training} - {NEUTRAL}))
    basis = data.training[0].motion.basis
    return SpeechToMotion(encoder, basis, data.topology, styles, form)


def make_critics(
    options: FitOptions,
    factories: Mapping[str, CriticFactory],
    data: TrainingData,
    device: torch.device,
) -> dict[str, Critic]:
    """The learned losses whose weights are not zero. InputError if one cannot be made here."""
    weights = asdict(options.train.losses)
    wanted = [name for name, weight in weights.items() if weight and name in CRITICS]
    for name in wanted:
        if name not in factories:
            raise InputError(f"--train.losses.{name} is set, but this command has no such critic")
    fps = data.fps if options.model.fps == ModelOptions().fps else options.model.fps
    return {name: factories[name](data.face, fps, device) for name in wanted}


def run_record(options: FitOptions, model: SpeechToMotion, data: TrainingData) -> str:
    """What the weights say of their training, and what a continued run must agree with."""
    return json.dumps(
        {
            "data": data.record,
            "validation": [clip.name for clip in data.held],
            "train": asdict(options.train),
            "model": asdict(model.options),
            "critics": critic_record(options),
        }
    )


def critic_record(options: FitOptions) -> dict[str, Any]:
    """What a command with critics adds to the options; of files only their names."""
    added = {field.name for field in fields(options)} - {field.name for field in fields(FitOptions)}
    chosen = {name: value for name, value in asdict(options).items() if name in added}
    return {n: Path(v).name if isinstance(v, str | Path) else v for n, v in sorted(chosen.items())}


def score_clips(
    model: SpeechToMotion, clips: Sequence[Clip], face: FaceGeometry
) -> dict[str, dict[str, float]]:
    """Scores of each clip, spoken in the neutral style."""
    model.eval()
    scores = {}
    for clip in clips:
        predicted = torch.cat(list(stream_coefficients(model, [clip.audio]))).cpu()
        true = clip_frames(clip, model.fps, len(predicted))
        scores[clip.name] = motion_scores(
            Motion(predicted, model.basis.cpu()),
            Motion(true, clip.motion.basis),
            face,
            clip.audio,
            model.fps,
        )
    return scores


def average_scores(trainer: Trainer, data: TrainingData) -> dict[str, dict[str, float]]:
    """Scores of the held-out clips by the averaged weights; the trainer's own stay."""
    current = trainer.use_average()
    scores = score_clips(trainer.model, data.held, data.face)
    trainer.model.decoder.load_state_dict(current)
    return scores


def score_lines(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each clip, or for the mean of many."""
    if len(scores) <= _SCORED_ONE_BY_ONE:
        return [f"{name}  {format_scores(values)}" for name, values in scores.items()]
    return [f"mean of {len(scores)} clips  {format_scores(mean_scores(scores))}"]


def mean_scores(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each score's mean over the clips that have it."""
    rows = [torch.tensor(list(values.values())) for values in scores.values()]
    names = next(iter(scores.values()), {})
    return dict(zip(names, torch.stack(rows).nanmean(0).tolist(), strict=True)) if rows else {}


def print_scores(model: SpeechToMotion, clips: Sequence[Clip], face: FaceGeometry) -> None:
    """One line of scores for each clip, or for the mean of many."""
    for line in score_lines(score_clips(model, clips, face)):
        print(line)
