"""Learning motion from speech: the decoder on speech-motion clips, with the encoder fixed.

The sound is augmented and encoded in passes: a pass cuts random windows from the clips, changes
their sound and keeps their features. Batches are drawn from the latest passes.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from audio2mesh.data.clips import Clip
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.training.batches import (
    Pass,
    PassSource,
    cache_folder,
    cached_pass,
    draw_rows,
    encode_pass,
    gather,
    inner_frames,
    mel_steps,
)
from audio2mesh.training.distributed import own_part, rank, take_from_first, world_size
from audio2mesh.training.losses import LOSSES, Batch, Critic, partly_copied_losses, phoned_losses
from audio2mesh.training.options import Precision, TrainOptions
from audio2mesh.training.trainer import Trainer
from common.errors import InputError
from common.progress import progress_bar


def motion_trainer(
    model: SpeechToMotion,
    clips: Sequence[Clip],
    weights: np.ndarray,
    face: FaceGeometry,
    options: TrainOptions,
    critics: Mapping[str, Critic] | None = None,
    cache: Path | None = None,
) -> Trainer["MotionTask"]:
    """Training of a model's decoder and feature scale.

    weights [n]: the clips' shares of the windows. critics: learned losses by the names of their
    weights in LossWeights. cache: a folder for encoded passes, which other runs can share; training
    on several processes needs it. InputError where it is missing there, or where the batch does not
    divide evenly among the processes.
    """
    own_part(options.batch)
    if world_size() > 1 and cache is None:
        raise InputError(
            "training on several processes needs --cache, a folder in which they share encoded"
            " speech"
        )
    task = MotionTask(model, clips, weights, face, options, critics or {}, cache)
    scale = {"feature_mean": model.feature_mean, "feature_std": model.feature_std}
    return Trainer(task, options, scale, half=task.autocast is torch.float16)


NEUTRAL_ROW = 0  # of the speaking styles


class MotionTask:
    """The model and the passes that it learns from."""

    def __init__(
        self,
        model: SpeechToMotion,
        clips: Sequence[Clip],
        weights: np.ndarray,
        face: FaceGeometry,
        options: TrainOptions,
        critics: Mapping[str, Critic],
        cache: Path | None,
    ) -> None:
        self.model, self.clips, self.options, self.critics = model, clips, options, critics
        self.device = model.basis.device
        self.face = face.to(self.device)
        self.phoned = phoned_clips(clips)
        self.guessed = not_measured(clips)
        self.encode = pass_encoder(model, clips, weights, options, cache)
        self.autocast = autocast_dtype(options.precision, self.device)
        self.passes: deque[Pass] = deque(maxlen=options.passes)
        self.next_pass = 0

    @property
    def net(self) -> nn.Module:
        return self.model.decoder

    def prepare(self, step: int) -> None:
        """Encode the passes that a step draws from; before a new model's first, scale the features.

        Of several processes each encodes its part first, then all read everything.
        """
        last = step // self.options.refresh + self.options.passes
        wanted = range(max(self.next_pass, last - self.options.passes), last)
        if not wanted:
            return
        if world_size() > 1:
            for number in wanted[(rank() - wanted.start) % world_size() :: world_size()]:
                self.encode(number)
        hidden = len(wanted) < 2 or rank() > 0
        with progress_bar("encoding speech", len(wanted), "passes/s", hidden=hidden) as show:
            for number in wanted:
                self.passes.append(self.encode(number))
                show()
        self.next_pass = last
        if step == 0 and not self.model.feature_mean.any():
            self._scale_features()

    def _scale_features(self) -> None:
        """Set the model's feature mean and deviation from the passes in memory."""
        features = torch.stack([p.features[::4].float().mean((0, 1, 2)) for p in self.passes])
        self.model.feature_mean.copy_(features.mean(0))
        mean = self.model.feature_mean.cpu()
        squares = [(p.features[::4].float() - mean).square().mean((0, 1, 2)) for p in self.passes]
        self.model.feature_std.copy_(torch.stack(squares).mean(0).sqrt().clamp_min(1e-4))
        take_from_first([self.model.feature_mean, self.model.feature_std])

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        batch = self._draw(step)
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            decoded = self.model.decode(batch.features, batch.styles).float()
        predicted = torch.where(batch.heard[..., None], decoded, batch.coefficients)
        inner = inner_frames(self.model)
        motions = (
            self.model.motion(predicted[:, inner.start : inner.stop]),
            self.model.motion(batch.coefficients[:, inner.start : inner.stop]),
        )
        weights = vars(self.options.losses)
        guessed = torch.tensor([name in self.guessed for name in batch.clips], device=self.device)
        copied = ~(guessed & (batch.styles == NEUTRAL_ROW))
        asked = {name: weights[name] for name in LOSSES}
        loss, terms = partly_copied_losses(*motions, self.face, asked, copied)
        known = torch.tensor([name in self.phoned for name in batch.clips], device=self.device)
        for name, value in phoned_losses(*motions, self.face, weights, known).items():
            loss = loss + weights[name] * value
            terms[name] = value
        if self.critics and step % self.options.critic_every == 0:
            steps = mel_steps(inner, self.model.fps)
            mel = batch.mel[:, steps.start : steps.stop]
            seen = Batch(*motions, mel, batch.clips, batch.times[:, inner.start : inner.stop])
            judged = {name: critic(seen) for name, critic in self.critics.items()}
            for name, value in judged.items():
                loss = loss + weights[name] * self.options.critic_every * value
            terms |= judged
        return loss, terms

    def _draw(self, step: int) -> Pass:
        """This process's part of the windows that all processes draw alike."""
        rng = np.random.default_rng([self.options.seed, 1, step])
        rows = draw_rows(self.passes, self.options.batch, self.options.neutral, rng, self.guessed)
        return gather(rows[own_part(len(rows))], self.device)


def phoned_clips(clips: Sequence[Clip]) -> set[str]:
    """Names of the clips that the phoned losses are for: films show no tongue, and how firmly lips
    meet they tell by themselves."""
    return {clip.name for clip in clips if clip.phones and clip.origin != "tracked"}


def not_measured(clips: Sequence[Clip]) -> set[str]:
    """Names of the clips with modelled or solved motion, if that of others was measured."""
    guessed = {clip.name for clip in clips if clip.origin in ("solved", "modelled")}
    return guessed if len(guessed) < len(clips) else set()


def autocast_dtype(precision: Precision, device: torch.device) -> torch.dtype | None:
    """What the decoder computes in, where that is not float32."""
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else None
    return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]


def pass_encoder(
    model: SpeechToMotion,
    clips: Sequence[Clip],
    weights: np.ndarray,
    options: TrainOptions,
    cache: Path | None,
) -> Callable[[int], Pass]:
    """Number of a pass → the pass, by way of the cache where there is one."""
    source = PassSource(model, clips, weights, options.windows, options.seed, options.augment)
    if cache is None:
        return partial(encode_pass, source)
    return partial(cached_pass, cache_folder(cache, source), source)
