"""Training of the decoder on speech-motion clips, with the encoder fixed.

The sound is augmented and encoded in passes: a pass cuts random windows from the clips, changes
their sound and keeps their features. Training draws batches from the latest passes. All that is
random follows from (seed, pass) or (seed, step), so a run can be interrupted without a trace.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.augment import AugmentOptions
from audio2mesh.training.augmented_epochs import (
    Pass,
    PassSource,
    cache_folder,
    cached_pass,
    encode_pass,
)
from audio2mesh.training.batches import Drawn, draw_rows, gather, inner_frames, mel_steps
from audio2mesh.training.critic import Batch, Critic
from audio2mesh.training.distributed import average_gradients, rank, take_from_first, world_size
from audio2mesh.training.losses import LOSSES, LossWeights, sealing_loss, total_loss
from common.errors import InputError
from common.run_state import (
    open_run,
    optimiser_tensors,
    save_run,
    schedule,
    set_optimiser,
    under,
)

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""What the decoder computes in while it is trained."""


@dataclass(frozen=True)
class TrainOptions:
    steps: int = 600
    """optimiser steps"""
    batch: int = 8
    """windows per step, over all processes"""
    learning_rate: float = 1e-3
    """peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine"""
    weight_decay: float = 0.05
    """AdamW's weight decay"""
    average: float = 0.99
    """decay per step of the running average of the weights, which is what is saved"""
    neutral: float = 0.5
    """share of windows trained with the neutral speaking style in place of their own"""
    windows: int = 240
    """windows of one pass; fewer where they would last longer than the clips together"""
    passes: int = 24
    """augmented passes over the clips that batches are drawn from; in memory 0.9 MB per window, on
    disk with --cache"""
    refresh: int = 100
    """steps after which the oldest pass is replaced by a new one"""
    critic_every: int = 1
    """steps from one judgement by the critics (sync, lip reading) to the next; a judgement counts
    as many times as there are steps"""
    precision: Precision = "auto"
    """number format of the decoder in training: auto is bfloat16 on CUDA and float32 elsewhere"""
    seed: int = 0
    """seed of everything random"""
    losses: LossWeights = field(default_factory=LossWeights)
    """weights of the losses"""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """changes to the sound"""


class Trainer:
    """A training run: the model, its optimiser, its average and the passes it draws from.

    weights [n]: the clips' shares of the windows. critics: learned losses by the names of their
    weights in LossWeights. cache: a folder for encoded passes, which other runs can share; training
    on several processes needs it. InputError where it is missing there, or where the batch does not
    divide evenly among the processes.
    """

    def __init__(
        self,
        model: SpeechToMotion,
        clips: Sequence[Clip],
        weights: np.ndarray,
        face: FaceGeometry,
        options: TrainOptions,
        critics: Mapping[str, Critic] | None = None,
        cache: Path | None = None,
    ) -> None:
        if options.batch % world_size():
            raise InputError(
                f"a batch of {options.batch} windows cannot be shared evenly by {world_size()}"
                " processes; choose a multiple"
            )
        if world_size() > 1 and cache is None:
            raise InputError(
                "training on several processes needs --cache, a folder in which they share"
                " encoded speech"
            )
        self.model, self.clips, self.options = model, clips, options
        self.device = model.basis.device
        self.face = face.to(self.device)
        self.critics = dict(critics or {})
        self.phoned = {clip.name for clip in clips if clip.phones}
        self.encode = _encoder(
            PassSource(model, clips, weights, options.windows, options.seed, options.augment), cache
        )
        decoder = model.decoder
        self.optimiser = torch.optim.AdamW(
            decoder.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.autocast = autocast_dtype(options.precision, self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.autocast is torch.float16)
        self.average = {name: p.detach().clone() for name, p in decoder.state_dict().items()}
        self.step = 0
        self.passes: deque[Pass] = deque(maxlen=options.passes)
        self.next_pass = 0

    def fill(self, report: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Encode the passes that the current step draws from.

        Of several processes each encodes its part first, then all read everything.
        """
        last = self.step // self.options.refresh + self.options.passes
        self.next_pass = max(self.next_pass, last - self.options.passes)
        wanted = range(self.next_pass, last)
        if world_size() > 1:
            for number in wanted[(rank() - self.next_pass) % world_size() :: world_size()]:
                self.encode(number)
        for done, number in enumerate(wanted, 1):
            self.passes.append(self.encode(number))
            report(done, len(wanted))
        self.next_pass = last

    def fit_feature_scale(self) -> None:
        """Set the model's feature mean and deviation from the passes in memory."""
        features = torch.stack([p.features[::4].float().mean((0, 1, 2)) for p in self.passes])
        self.model.feature_mean.copy_(features.mean(0))
        mean = self.model.feature_mean.cpu()
        squares = [(p.features[::4].float() - mean).square().mean((0, 1, 2)) for p in self.passes]
        self.model.feature_std.copy_(torch.stack(squares).mean(0).sqrt().clamp_min(1e-4))

    def synchronise(self) -> None:
        """Give all processes the model of the first one."""
        take_from_first([*self.model.decoder.state_dict().values(), *self.average.values()])
        take_from_first([self.model.feature_mean, self.model.feature_std])

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses, those of this process's share of the batch."""
        if self.step and self.step % self.options.refresh == 0:
            self.fill()
        torch.manual_seed((self.options.seed * 1_000_003 + self.step) * 64 + rank())
        batch = self._draw()
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options.steps)
        loss, terms = self._losses(batch)
        self.optimiser.zero_grad()
        self.scaler.scale(loss).backward()
        average_gradients(self.model.decoder.parameters())
        self.scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.model.decoder.parameters(), 1.0)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self._update_average()
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    def use_average(self) -> dict[str, Tensor]:
        """Put the averaged weights into the model; returns the ones they replace."""
        current = {n: p.detach().clone() for n, p in self.model.decoder.state_dict().items()}
        self.model.decoder.load_state_dict(self.average)
        return current

    def save(self, path: Path, record: str) -> None:
        """Write all that a continued run needs; `record` must agree when it is opened again."""
        save_run(run_state(self), path, self.step, record)

    def resume(self, path: Path, record: str) -> None:
        """Continue a run that `save` wrote; InputError if it had other options or data."""
        tensors, self.step = open_run(path, record)
        set_run_state(self, tensors)

    def _losses(self, batch: Drawn) -> tuple[Tensor, dict[str, Tensor]]:
        self.model.train()
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            decoded = self.model.decode(batch.features, batch.styles).float()
        predicted = torch.where(batch.heard[..., None], decoded, batch.true)
        inner = inner_frames(self.model)
        motions = (
            self.model.motion(predicted[:, inner.start : inner.stop]),
            self.model.motion(batch.true[:, inner.start : inner.stop]),
        )
        weights = vars(self.options.losses)
        loss, terms = total_loss(*motions, self.face, {name: weights[name] for name in LOSSES})
        if weights["sealing"]:
            known = torch.tensor([name in self.phoned for name in batch.clips], device=self.device)
            terms["sealing"] = sealing_loss(*motions, self.face, known)
            loss = loss + weights["sealing"] * terms["sealing"]
        if self.critics and self.step % self.options.critic_every == 0:
            steps = mel_steps(inner, self.model.fps)
            mel = batch.mel[:, steps.start : steps.stop]
            seen = Batch(*motions, mel, batch.clips, batch.times[:, inner.start : inner.stop])
            judged = {name: critic(seen) for name, critic in self.critics.items()}
            for name, value in judged.items():
                loss = loss + weights[name] * self.options.critic_every * value
            terms |= judged
        return loss, terms

    def _draw(self) -> Drawn:
        """This process's part of the windows that all processes draw alike."""
        rng = np.random.default_rng([self.options.seed, 1, self.step])
        rows = draw_rows(self.passes, self.options.batch, self.options.neutral, rng)
        share = len(rows) // world_size()
        return gather(rows[rank() * share : (rank() + 1) * share], self.device)

    def _update_average(self) -> None:
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.model.decoder.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)


def autocast_dtype(precision: Precision, device: torch.device) -> torch.dtype | None:
    """What the decoder computes in, where that is not float32."""
    match precision:
        case "auto":
            return torch.bfloat16 if device.type == "cuda" else None
        case "float32":
            return None
        case "bfloat16":
            return torch.bfloat16
        case "float16":
            return torch.float16
        case _:
            assert_never(precision)


def _encoder(source: PassSource, cache: Path | None) -> Callable[[int], Pass]:
    """Number of a pass → the pass, by way of the cache where there is one."""
    if cache is None:
        return partial(encode_pass, source)
    return partial(cached_pass, cache_folder(cache, source), source)


def run_state(trainer: Trainer) -> dict[str, Tensor]:
    """Everything that changes in a run but its step and passes, by name."""
    tensors = {f"decoder.{n}": p for n, p in trainer.model.decoder.state_dict().items()}
    tensors |= {f"average.{n}": p for n, p in trainer.average.items()}
    tensors["feature_mean"] = trainer.model.feature_mean
    tensors["feature_std"] = trainer.model.feature_std
    tensors |= optimiser_tensors(trainer.optimiser)
    for name, value in trainer.scaler.state_dict().items():
        tensors[f"scaler.{name}"] = torch.tensor(value)
    return tensors


def set_run_state(trainer: Trainer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `run_state` gave."""
    trainer.model.decoder.load_state_dict(under(tensors, "decoder."))
    average = under(tensors, "average.")
    trainer.average = {n: t.to(trainer.device) for n, t in average.items()}
    trainer.model.feature_mean.copy_(tensors["feature_mean"])
    trainer.model.feature_std.copy_(tensors["feature_std"])
    set_optimiser(trainer.optimiser, tensors)
    if scaler := {n: t.item() for n, t in under(tensors, "scaler.").items()}:
        trainer.scaler.load_state_dict(scaler)
