"""A whole training run: read clips, optionally begin from weights on the basis of other data, train
with progress and a log, score, write the weights."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, clip_frames
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import format_scores, motion_scores
from audio2mesh.data.sources import TrainingData
from audio2mesh.model.checkpoint import load_model, save_model
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.encoder import SpeechEncoder, load_encoder
from audio2mesh.model.motion import Motion, project
from audio2mesh.model.speech_to_motion import NEUTRAL, SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.training.distributed import process_group, rank
from audio2mesh.training.losses import Critic
from audio2mesh.training.motion_task import motion_trainer
from audio2mesh.training.options import CRITICS, FitOptions
from audio2mesh.training.trainer import train
from common.errors import InputError
from common.training_loop import run_options, state_path


def continued(model: SpeechToMotion, data: TrainingData) -> SpeechToMotion:
    """The model with its motion on the data's basis, and with the data's speaking styles besides
    its own, which begin as the neutral one.

    It moves as before as far as the data's motion spans that. InputError for weights of another
    topology, or of a kind that cannot be carried over.
    """
    if not isinstance(model.decoder, Decoder):
        raise InputError("--start: only weights of the kind learn2talk can be begun from")
    if model.topology != data.topology:
        raise InputError(
            f"--start: the weights move {model.topology} and the data {data.topology}; begin from"
            " weights of the same mesh"
        )
    basis = data.training[0].motion.basis
    new = sorted({clip.style for clip in data.training} - set(model.styles))
    styles = (*model.styles, *new)
    found = SpeechToMotion(model.encoder, basis, model.topology, styles, model.options)
    found.load_state_dict(_carried(model, project(model.basis, basis), len(new)) | {"basis": basis})
    return found


def _carried(model: SpeechToMotion, change: Tensor, new: int) -> dict[str, Tensor]:
    """The model's state where coefficients c are c · change [K, K'], with rows for new styles."""
    state = dict(model.state_dict())
    width = model.options.decoder.width
    state["decoder.output.weight"] = change.T @ state["decoder.output.weight"]
    state["decoder.output.bias"] = state["decoder.output.bias"] @ change
    per_style = ["decoder.style.weight"]
    if "decoder.habits.weight" in state:
        habits = state["decoder.habits.weight"].unflatten(1, (-1, width))  # [styles, K, W]
        state["decoder.habits.weight"] = (change.T @ habits).flatten(1)
        per_style.append("decoder.habits.weight")
    for name in per_style:
        state[name] = torch.cat([state[name], state[name][:1].expand(new, -1)])
    return state


_SCORED_ONE_BY_ONE = 8  # clips; of more only the mean is printed

CriticFactory = Callable[[FaceGeometry, int, torch.device], Critic]
"""(face, frames per second, device) → the critic."""
Scores = dict[str, dict[str, float]]
"""Clip → score → value."""


def fit(
    options: FitOptions,
    out: Path,
    data: TrainingData,
    critics: Mapping[str, CriticFactory],
    device: torch.device,
    extra_record: Mapping[str, Any] | None = None,
) -> Scores:
    """Train and write the weights `out`; returns the scores of the held-out clips.

    data: on a common basis. critics: how to make the learned losses, by the names of their weights.
    extra_record: what else the training depends on. InputError where no clip is left or a critic is
    missing.
    """
    with process_group(device):
        model = new_model(options, data).to(device)
        made = make_critics(options, critics, data, model.fps, device)
        trainer = motion_trainer(
            model, data.training, data.weights, data.face, options.train, made, options.cache
        )
        record = run_record(options, model, data, extra_record or {})

        def scores() -> Scores:
            with trainer.average_in_use():
                found = score_clips(model, data.held, data.face)
            for line in score_lines(found):
                print(f"step {trainer.step}  {line}", file=sys.stderr)
            return found

        train(trainer, out, record, scores)
        if rank() > 0:
            return {}
        final = score_clips(model, data.held, data.face)
        save_model(model, out, {**record, "scores": final})
        state_path(out).unlink(missing_ok=True)
        return final


def new_model(options: FitOptions, data: TrainingData) -> SpeechToMotion:
    """The model that --start names, or an untrained one with one speaking style per style of the
    clips, and the neutral one."""
    if options.start is not None:
        return continued(load_model(options.start), data)
    encoder: SpeechEncoder
    if options.encoder is None:
        encoder = load_model().encoder
    else:
        encoder = load_encoder(options.encoder, options.layers)
    torch.manual_seed(options.train.seed)
    styles = (NEUTRAL, *sorted({clip.style for clip in data.training} - {NEUTRAL}))
    form = replace(options.model, fps=options.model.fps or data.fps)
    return SpeechToMotion(encoder, data.training[0].motion.basis, data.topology, styles, form)


def make_critics(
    options: FitOptions,
    factories: Mapping[str, CriticFactory],
    data: TrainingData,
    fps: int,
    device: torch.device,
) -> dict[str, Critic]:
    """The learned losses whose weights are not zero. InputError if one cannot be made here."""
    weights = asdict(options.train.losses)
    wanted = [name for name, weight in weights.items() if weight and name in CRITICS]
    for name in wanted:
        if name not in factories:
            raise InputError(f"--train.losses.{name} is set, but this command has no such critic")
    return {name: factories[name](data.face, fps, device) for name in wanted}


def run_record(
    options: FitOptions, model: SpeechToMotion, data: TrainingData, extra_record: Mapping[str, Any]
) -> dict[str, Any]:
    """What the weights say of their training, and what a continued run must agree with."""
    return {
        "data": data.record,
        "held_out": [clip.name for clip in data.held],
        "train": run_options(options.train),
        "model": asdict(model.options),
        **({"start": options.start.name} if options.start else {}),
        **extra_record,
    }


def score_clips(model: SpeechToMotion, clips: Sequence[Clip], face: FaceGeometry) -> Scores:
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
