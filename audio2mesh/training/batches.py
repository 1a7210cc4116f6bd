"""Batches of encoded windows, drawn from the passes in use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import MEL_HOP
from audio2mesh.training.augmented_epochs import Pass

_MEL_FPS = SAMPLE_RATE // MEL_HOP


@dataclass(frozen=True)
class Row:
    """One window of a pass."""

    source: Pass
    index: int
    neutral: bool  # trained with the neutral speaking style

    @property
    def clip(self) -> str:
        return self.source.clips[self.index]


@dataclass(frozen=True)
class Drawn:
    """The windows of one step, or of one process's share of it."""

    features: Tensor  # [B, F, P, L, D]
    mel: Tensor  # [B, T, 80]
    true: Tensor  # [B, F, K]
    heard: Tensor  # [B, F] bool
    styles: Tensor  # [B] rows
    times: Tensor  # [B, F]
    clips: tuple[str, ...]


def draw_rows(
    passes: Sequence[Pass], count: int, neutral: float, rng: np.random.Generator
) -> list[Row]:
    """Random windows, each pass with the same share; `neutral` of them lose their style."""
    places = [
        (p, int(rng.integers(len(p.styles))))
        for p in (passes[int(rng.integers(len(passes)))] for _ in range(count))
    ]
    plain = (rng.random(count) < neutral).tolist()
    return [Row(*place, is_plain) for place, is_plain in zip(places, plain, strict=True)]


def gather(rows: Sequence[Row], device: torch.device) -> Drawn:
    """The tensors of windows, stacked on a device."""

    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(row.source, name)[row.index] for row in rows]).to(device)

    plain = torch.tensor([row.neutral for row in rows], device=device)
    return Drawn(
        features=stacked("features").float(),
        mel=stacked("mel").float(),
        true=stacked("coefficients"),
        heard=stacked("heard"),
        styles=stacked("styles").masked_fill(plain, 0),
        times=stacked("times"),
        clips=tuple(row.clip for row in rows),
    )


def inner_frames(model: SpeechToMotion) -> range:
    """The frames of a window that are trained: all but half a margin at each end.

    They begin on a whole step of the log-mel.
    """
    whole = model.fps // math.gcd(model.fps, _MEL_FPS)
    margin = model.options.window.margin // 2 // whole * whole
    return range(margin, model.options.window.frames - margin)


def mel_steps(frames: range, fps: int) -> range:
    """Steps of the log-mel that lie wholly in a stretch of frames."""
    return range(frames.start * _MEL_FPS // fps, frames.stop * _MEL_FPS // fps)
