"""A whole training run: read clips, train with progress and a log, score, write the weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from rich.progress import Progress, TimeRemainingColumn

from audio2mesh.checkpoint import load_model, save_model
from audio2mesh.clips import Clip, FaceUnits, clip_frames, common_basis, load_clips, on_basis
from audio2mesh.encoder import SpeechEncoder, load_encoder
from audio2mesh.losses import FaceGeometry
from audio2mesh.model import NEUTRAL, ModelOptions, SpeechToMotion
from audio2mesh.motion import Motion
from audio2mesh.scores import format_scores, motion_scores
from audio2mesh.stream import stream_coefficients
from audio2mesh.train import Trainer, TrainOptions

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class FitOptions:
    """Train speech-to-motion weights on clips of speech with face motion, or score weights."""

    data: Path
    """Folder of clips: <id>.flac (or .wav, ..) with <id>.npz."""
    out: Path | None = None
    """Weights file to write; without it the shipped weights, or --score, are only scored."""
    score: Path | None = None
    """Weights file to score, when nothing is trained."""
    validation: tuple[str, ...] = ("1114_3_15",)
    """Ids of clips that are scored and never trained on."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    head: Literal["anny-head"] = "anny-head"
    """Topology whose vertices are to move."""
    encoder: str | None = None
    """Speech encoder: a folder or a hub name; by default that of the shipped weights."""
    layers: tuple[int, ...] = (2, 3, 4)
    """Encoder blocks whose outputs are used, counted from 1 (only with --encoder)."""
    device: Device = "auto"
    """Where to compute: auto takes CUDA where it is."""
    every: int = 100
    """Steps between two scorings of the validation clips."""
    model: ModelOptions = field(default_factory=ModelOptions)
    """The model."""
    train: TrainOptions = field(default_factory=TrainOptions)
    """The training."""


def fit(options: FitOptions, units: FaceUnits, face: FaceGeometry) -> None:
    """Train and write `options.out`, or score weights if there is none.

    units: the expression units of the head; face: its rest vertices and lips. Raises ValueError
    for ids of clips that the folder does not hold, or where no clip is left.
    """
    device = pick_device(options.device)
    clips = load_clips(options.data, units, face.rest)
    check_ids(options, [clip.name for clip in clips])
    clips = [clip for clip in clips if clip.name not in options.exclude]
    held = [clip for clip in clips if clip.name in options.validation]
    if options.out is None:
        print_scores(load_model(options.score, device), held, face)
        return
    training = [clip for clip in clips if clip.name not in options.validation]
    if not training:
        raise ValueError(f"{options.data}: every clip is held out, none is left to train on")
    train(options, options.out, training, held, face, device)


def check_ids(options: FitOptions, names: Sequence[str]) -> None:
    """Raise ValueError for a clip that an option names and the folder lacks."""
    for option in ("validation", "exclude"):
        for name in getattr(options, option):
            if name not in names:
                raise ValueError(
                    f"{options.data} has no clip {name}, which --{option} names; "
                    f"it has {', '.join(names)}"
                )


def train(
    options: FitOptions,
    out: Path,
    training: Sequence[Clip],
    held: Sequence[Clip],
    face: FaceGeometry,
    device: torch.device,
) -> None:
    """Train, score the held-out clips on the way and write the weights."""
    basis = common_basis(training)
    training = [on_basis(clip, basis) for clip in training]
    model = new_model(options, basis, training).to(device)
    trainer = Trainer(model, training, face, options.train)
    record = run_record(options, training, held)
    state, log = out.with_name(out.name + ".state"), out.with_name(out.name + ".log.jsonl")
    if state.exists():
        trainer.resume(state, record)
        print(f"continuing {state} at step {trainer.step}")
    try:
        run(trainer, options, held, face, log)
    except KeyboardInterrupt:
        trainer.save(state, record)
        print(f"stopped at step {trainer.step}; the same command continues from {state}")
        raise
    trainer.use_average()
    scores = score_clips(model, held, face)
    save_model(model, out, {**json.loads(record), "steps": trainer.step, "scores": scores})
    state.unlink(missing_ok=True)
    print_scores(model, held, face)
    print(f"wrote {out}")


def run(
    trainer: Trainer, options: FitOptions, held: Sequence[Clip], face: FaceGeometry, log: Path
) -> None:
    """All steps that remain, with progress and a log of one JSON object per line."""
    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns) as progress, log.open("a" if trainer.step else "w") as lines:
        encoding = progress.add_task("encode speech", total=None)
        trainer.fill(lambda done, total: progress.update(encoding, completed=done, total=total))
        if trainer.step == 0:
            trainer.fit_feature_scale()
        task = progress.add_task("train", total=options.train.steps, completed=trainer.step)
        while trainer.step < options.train.steps:
            losses = trainer.train_step()
            progress.update(task, completed=trainer.step)
            scores = {}
            if trainer.step % options.every == 0:
                current = trainer.use_average()
                scores = score_clips(trainer.model, held, face)
                trainer.model.decoder.load_state_dict(current)
                for name, values in scores.items():
                    progress.print(f"step {trainer.step}  {name}  {format_scores(values)}")
            lines.write(json.dumps({"step": trainer.step, **losses, "scores": scores}) + "\n")
            lines.flush()


def new_model(options: FitOptions, basis: torch.Tensor, clips: Sequence[Clip]) -> SpeechToMotion:
    """An untrained model with one speaking style per style of the clips, and the neutral one."""
    encoder: SpeechEncoder
    if options.encoder is None:
        encoder = load_model().encoder
    else:
        encoder = load_encoder(options.encoder, options.layers)
    torch.manual_seed(options.train.seed)
    styles = (NEUTRAL, *sorted({clip.style for clip in clips} - {NEUTRAL}))
    return SpeechToMotion(encoder, basis, options.head, styles, options.model)


def pick_device(name: Device) -> torch.device:
    """The device of a name. Raises ValueError if CUDA is asked for and absent."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda was asked for, but this machine has no usable CUDA device")
    return torch.device(name)


def run_record(options: FitOptions, training: Sequence[Clip], held: Sequence[Clip]) -> str:
    """What the weights say of their training, and what a continued run must agree with."""
    return json.dumps(
        {
            "clips": [clip.name for clip in training],
            "seconds": round(sum(clip.seconds for clip in training), 1),
            "validation": [clip.name for clip in held],
            "train": asdict(options.train),
            "model": asdict(options.model),
        }
    )


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


def print_scores(model: SpeechToMotion, clips: Sequence[Clip], face: FaceGeometry) -> None:
    """One line of scores for each clip."""
    for name, values in score_clips(model, clips, face).items():
        print(f"{name}  {format_scores(values)}")
