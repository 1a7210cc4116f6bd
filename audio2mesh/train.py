"""Training of the decoder on speech-motion clips, with the encoder fixed.

The sound is augmented and encoded in passes: pass v cuts random windows from all clips, changes
their sound and keeps their features. Training draws batches from the latest passes. All that is
random follows from (seed, pass) or (seed, step), so a run can be interrupted without a trace.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.augment import AugmentOptions, augment, make_noise
from audio2mesh.checkpoint import read_tensors, write_tensors
from audio2mesh.clips import Clip, Window, cut_window, shorten_pauses
from audio2mesh.encoder import SAMPLE_RATE
from audio2mesh.losses import FaceGeometry, LossWeights, total_loss
from audio2mesh.model import NEUTRAL, SpeechToMotion

_ENCODER_BATCH = 8


@dataclass(frozen=True)
class TrainOptions:
    steps: int = 600
    """optimiser steps"""
    batch: int = 8
    """windows per step"""
    learning_rate: float = 1e-3
    """peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine"""
    weight_decay: float = 0.05
    """AdamW's weight decay"""
    average: float = 0.99
    """decay per step of the running average of the weights, which is what is saved"""
    neutral: float = 0.5
    """share of windows trained with the neutral speaking style in place of their own"""
    passes: int = 24
    """augmented passes over the clips that are kept in memory"""
    refresh: int = 100
    """steps after which the oldest pass is replaced by a new one"""
    seed: int = 0
    """seed of everything random"""
    losses: LossWeights = field(default_factory=LossWeights)
    """weights of the losses"""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """changes to the sound"""


@dataclass(frozen=True)
class Pass:
    """Encoded windows of one augmented pass over the clips."""

    features: Tensor  # [B, F, P, L, D] float16
    coefficients: Tensor  # [B, F, K]
    styles: Tensor  # [B] rows


Report = Callable[[dict[str, float]], None]


class Trainer:
    """A training run: the model, its optimiser, its average and the passes in memory."""

    def __init__(
        self,
        model: SpeechToMotion,
        clips: Sequence[Clip],
        face: FaceGeometry,
        options: TrainOptions,
    ) -> None:
        self.model, self.clips, self.options = model, clips, options
        self.device = model.basis.device
        self.face = face.to(self.device)
        decoder = model.decoder
        self.optimiser = torch.optim.AdamW(
            decoder.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.average = {name: p.detach().clone() for name, p in decoder.state_dict().items()}
        self.step = 0
        self.passes: deque[Pass] = deque(maxlen=options.passes)
        self.next_pass = 0

    def fill(self, report: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Encode the passes that the current step draws from."""
        last = self.step // self.options.refresh + self.options.passes
        self.next_pass = max(self.next_pass, last - self.options.passes)
        total = last - self.next_pass
        for done in range(total):
            self._add_pass()
            report(done + 1, total)

    def fit_feature_scale(self) -> None:
        """Set the model's feature mean and deviation from the passes in memory."""
        features = torch.stack([p.features[::4].float().mean((0, 1, 2)) for p in self.passes])
        self.model.feature_mean.copy_(features.mean(0))
        squares = [
            (p.features[::4].float() - self.model.feature_mean).square().mean((0, 1, 2))
            for p in self.passes
        ]
        self.model.feature_std.copy_(torch.stack(squares).mean(0).sqrt().clamp_min(1e-4))

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses."""
        if self.step and self.step % self.options.refresh == 0:
            self.fill()
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)
        features, true, styles = self._batch(
            np.random.default_rng([self.options.seed, 1, self.step])
        )
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options.steps)
        self.model.train()
        margin = self.model.options.window.margin // 2
        predicted = self.model.decode(features, styles)[:, margin:-margin]
        loss, terms = total_loss(
            self.model.motion(predicted),
            self.model.motion(true[:, margin:-margin]),
            self.face,
            asdict(self.options.losses),
        )
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.decoder.parameters(), 1.0)
        self.optimiser.step()
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
        tensors = {f"decoder.{n}": p for n, p in self.model.decoder.state_dict().items()}
        tensors |= {f"average.{n}": p for n, p in self.average.items()}
        tensors |= {"feature_mean": self.model.feature_mean, "feature_std": self.model.feature_std}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{n}": t for n, t in state.items()}
        tensors = {name: t.detach().clone().contiguous() for name, t in tensors.items()}
        write_tensors(tensors, path, {"step": str(self.step), "record": record})

    def resume(self, path: Path, record: str) -> None:
        """Continue a run that `save` wrote; ValueError if it had other options or data."""
        tensors, metadata = read_tensors(path)
        if metadata.get("record") != record:
            raise ValueError(
                f"{path}: this unfinished run had other options or data; delete it to start anew"
            )
        self.step = int(metadata["step"])
        self.model.decoder.load_state_dict(_under(tensors, "decoder."))
        self.average = {n: t.to(self.device) for n, t in _under(tensors, "average.").items()}
        self.model.feature_mean.copy_(tensors["feature_mean"])
        self.model.feature_std.copy_(tensors["feature_std"])
        state = self.optimiser.state_dict()
        for name, tensor in _under(tensors, "optimiser.").items():
            index, key = name.split(".")
            state["state"].setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict(state)

    def _add_pass(self) -> None:
        rng = np.random.default_rng([self.options.seed, 0, self.next_pass])
        self.passes.append(encode_pass(self.model, self.clips, self.options.augment, rng))
        self.next_pass += 1

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        chosen = [
            (p, int(rng.integers(len(p.styles))))
            for p in (
                self.passes[int(rng.integers(len(self.passes)))] for _ in range(self.options.batch)
            )
        ]
        features = torch.stack([p.features[i] for p, i in chosen]).to(self.device).float()
        true = torch.stack([p.coefficients[i] for p, i in chosen]).to(self.device)
        styles = torch.stack([p.styles[i] for p, i in chosen])
        neutral = torch.from_numpy(rng.random(len(chosen)) < self.options.neutral)
        return features, true, styles.masked_fill(neutral, 0).to(self.device)

    def _update_average(self) -> None:
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.model.decoder.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)


def schedule(step: int, steps: int) -> float:
    """Learning-rate factor: linear warm-up over 5 % of the steps, then a cosine down to zero."""
    warm = max(1, steps // 20)
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def encode_pass(
    model: SpeechToMotion,
    clips: Sequence[Clip],
    options: AugmentOptions,
    rng: np.random.Generator,
) -> Pass:
    """Random windows that together are about as long as the clips, augmented and encoded."""
    voices = [clip.audio for clip in clips]
    clips = [
        shorten_pauses(clip, rng) if rng.random() < options.running else clip for clip in clips
    ]
    seconds = model.window_samples / SAMPLE_RATE
    counts = [max(1, math.ceil(clip.seconds / seconds)) for clip in clips]
    windows = [
        _random_window(model, clip, voices, options, rng)
        for clip, count in zip(clips, counts, strict=True)
        for _ in range(count)
    ]
    return Pass(
        features=_encode(model, [w.audio for w in windows]),
        coefficients=torch.stack([w.coefficients for w in windows]),
        styles=torch.tensor([model.styles.index(w.style) for w in windows]),
    )


def _random_window(
    model: SpeechToMotion,
    clip: Clip,
    voices: list[np.ndarray],
    options: AugmentOptions,
    rng: np.random.Generator,
) -> Window:
    samples, fps = model.window_samples, model.fps
    if rng.random() < options.quiet:
        return _quiet_window(model, voices, rng)
    speed = 1 + rng.uniform(-options.speed, options.speed)
    overhang = (
        0.4 * samples / SAMPLE_RATE
    )  # seconds of silence that a window may see at a clip's ends
    start = rng.uniform(-overhang, max(0.0, clip.seconds - samples / SAMPLE_RATE) + overhang)
    window = cut_window(clip, start, speed, samples, fps)
    style = clip.style if clip.style in model.styles else NEUTRAL
    return Window(augment(window.audio, voices, options, rng), window.coefficients, style)


def _quiet_window(
    model: SpeechToMotion, voices: list[np.ndarray], rng: np.random.Generator
) -> Window:
    noise = make_noise(model.window_samples, voices, rng)
    loudness = rng.choice([0.0, 10 ** rng.uniform(-4, -1)])
    rest = torch.zeros(model.options.window.frames, len(model.basis))
    return Window((loudness * noise).astype(np.float32), rest, NEUTRAL)


@torch.no_grad()
def _encode(model: SpeechToMotion, audio: list[np.ndarray]) -> Tensor:
    device = model.basis.device
    batches = [
        torch.from_numpy(np.stack(audio[i : i + _ENCODER_BATCH]))
        for i in range(0, len(audio), _ENCODER_BATCH)
    ]
    return torch.cat([model.raw_features(b.to(device)).half().cpu() for b in batches])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
