"""Train speech-to-motion weights on clips of speech with face motion."""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

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
from avatar.heads import Head, load_head
from configs.audio2mesh import SHIPPED, SHIPPED_MODEL
from configs.command import run_command


@dataclass(frozen=True)
class Options:
    data: Path
    """folder of clips: <id>.flac (or .wav, ..) with <id>.npz"""
    out: Path | None = None
    """weights file to write; without it the shipped weights, or --score, are only scored"""
    score: Path | None = None
    """weights file to score, when nothing is trained"""
    validation: tuple[str, ...] = ("1114_3_15",)
    """ids of clips that are scored and never trained on"""
    exclude: tuple[str, ...] = ()
    """ids of clips that are not used at all"""
    head: str = "anny-head"
    """topology whose vertices are to move"""
    encoder: str | None = None
    """speech encoder: a folder or a hub name; by default that of the shipped weights"""
    layers: tuple[int, ...] = (2, 3, 4)
    """encoder blocks whose outputs are used, counted from 1 (only with --encoder)"""
    device: str = "auto"
    """auto, cpu or cuda"""
    every: int = 100
    """steps between two scorings of the validation clips"""
    model: ModelOptions = field(default_factory=lambda: SHIPPED_MODEL)
    """the model"""
    train: TrainOptions = field(default_factory=lambda: SHIPPED)
    """the training"""


def main(options: Options) -> None:
    head = load_head(options.head)
    clips = [c for c in read_clips(options.data, head) if c.name not in options.exclude]
    held = [clip for clip in clips if clip.name in options.validation]
    if options.out is None:
        print_scores(load_model(options.score), held, head)
        return
    training = [clip for clip in clips if clip.name not in options.validation]
    if not training:
        raise ValueError(f"{options.data}: every clip is held out, none is left to train on")
    train(options, options.out, training, held, head)


def train(
    options: Options, out: Path, training: Sequence[Clip], held: Sequence[Clip], head: Head
) -> None:
    """Train, score the held-out clips on the way and write the weights."""
    basis = common_basis(training)
    training = [on_basis(clip, basis) for clip in training]
    model = new_model(options, basis, training).to(pick_device(options.device))
    trainer = Trainer(model, training, face_geometry(head), options.train)
    record = run_record(options, training, held)
    state, log = out.with_name(out.name + ".state"), out.with_name(out.name + ".log.jsonl")
    if state.exists():
        trainer.resume(state, record)
        print(f"continuing {state} at step {trainer.step}")
    try:
        run(trainer, options, held, head, log)
    except KeyboardInterrupt:
        trainer.save(state, record)
        print(f"\nstopped at step {trainer.step}; the same command continues from {state}")
        sys.exit(128 + signal.SIGINT)
    trainer.use_average()
    scores = score_clips(model, held, head)
    save_model(model, out, {**json.loads(record), "steps": trainer.step, "scores": scores})
    state.unlink(missing_ok=True)
    print_scores(model, held, head)
    print(f"wrote {out}")


def run(trainer: Trainer, options: Options, held: Sequence[Clip], head: Head, log: Path) -> None:
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
                scores = score_clips(trainer.model, held, head)
                trainer.model.decoder.load_state_dict(current)
                for name, values in scores.items():
                    progress.print(f"step {trainer.step}  {name}  {format_scores(values)}")
            lines.write(json.dumps({"step": trainer.step, **losses, "scores": scores}) + "\n")
            lines.flush()


def read_clips(folder: Path, head: Head) -> list[Clip]:
    """The clips of a folder as motion of this head."""
    return load_clips(folder, FaceUnits(head.unit_names, head.units), head.vertices)


def new_model(options: Options, basis: torch.Tensor, clips: Sequence[Clip]) -> SpeechToMotion:
    """An untrained model with one speaking style per style of the clips, and the neutral one."""
    encoder: SpeechEncoder
    if options.encoder is None:
        encoder = load_model().encoder
    else:
        encoder = load_encoder(options.encoder, options.layers)
    torch.manual_seed(options.train.seed)
    styles = (NEUTRAL, *sorted({clip.style for clip in clips} - {NEUTRAL}))
    return SpeechToMotion(encoder, basis, options.head, styles, options.model)


def face_geometry(head: Head) -> FaceGeometry:
    regions = head.regions
    return FaceGeometry(
        head.vertices, regions["lips"], regions["lip_inner_upper"], regions["lip_inner_lower"]
    )


def pick_device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda was asked for, but this machine has no usable CUDA device")
    if name not in ("cpu", "cuda"):
        raise ValueError(f"--device {name} is not known; use auto, cpu or cuda")
    return torch.device(name)


def run_record(options: Options, training: Sequence[Clip], held: Sequence[Clip]) -> str:
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
    model: SpeechToMotion, clips: Sequence[Clip], head: Head
) -> dict[str, dict[str, float]]:
    """Scores of each clip, spoken in the neutral style."""
    model.eval()
    face, scores = face_geometry(head), {}
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


def print_scores(model: SpeechToMotion, clips: Sequence[Clip], head: Head) -> None:
    for name, values in score_clips(model, clips, head).items():
        print(f"{name}  {format_scores(values)}")


if __name__ == "__main__":
    run_command(main, Options)
