"""Contrastive training of a sound tower and a mouth tower.

What a mouth is and how it is embedded comes from outside. All that is random follows from
(seed, item) or (seed, step), so a run can be interrupted without a trace.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from audio2mesh.sync.averaged import AveragedRun, OptimiserOptions
from audio2mesh.sync.contrast import offset_loss, window_loss
from audio2mesh.sync.offsets import REACH
from audio2mesh.sync.segments import FPS, ITEM_FRAMES, MEL_PER_FRAME, Item, change_mel
from audio2mesh.sync.windows import POINTS, mel_windows, speech_windows


@dataclass(frozen=True)
class ContrastOptions:
    batch: int = 8
    """segments per step; every window of the batch is a negative of every other"""
    windows: int = 46
    """windows of the mouth per segment: 46 make 2 s"""
    temperature: float = 0.15
    """temperature of the contrastive loss between windows"""
    offset: float = 0.3
    """weight of the loss that finds a segment's offset among the 21"""
    sharpness: float = 20.0
    """factor of the mean distance in that loss"""
    pool: int = 240
    """augmented stretches of 6 s in memory"""
    renew: int = 2
    """steps after which the oldest stretch is replaced by a new one"""
    seed: int = 0
    """seed of everything random"""
    optimiser: OptimiserOptions = field(default_factory=OptimiserOptions)
    """steps and learning rate"""


@dataclass(frozen=True)
class Matching:
    """A task: which network embeds sound and mouth how, and where its examples come from."""

    net: nn.Module
    embed_sound: Callable[[Tensor], Tensor]  # levelled windows [B, A, 20, 80] → [B, A, D]
    embed_mouth: Callable[[Tensor], Tensor]  # mouths [B, F, ..] → [B, F - 4, D]
    draw: Callable[[np.random.Generator], Item]
    change: Callable[[Tensor, np.random.Generator], Tensor]  # a mouth [F, ..] as it is used


class ContrastTrainer:
    """A training run with the stretches that it holds in memory."""

    def __init__(self, task: Matching, options: ContrastOptions) -> None:
        self.task, self.options = task, options
        self.run = AveragedRun(task.net, options.optimiser)
        self.pool: list[Item] = []
        self.next_item = 0

    def fill(self, report: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make the items that the current step draws from."""
        last = self.run.step // self.options.renew + self.options.pool
        self.next_item = max(self.next_item, last - self.options.pool)
        total = last - self.next_item
        for done in range(total):
            self.pool.append(self.task.draw(self._random(0, self.next_item)))
            self.next_item += 1
            report(done + 1, total)
        del self.pool[: -self.options.pool]

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses."""
        self.fill()
        torch.manual_seed(self.options.seed * 1_000_003 + self.run.step)
        self.task.net.train()
        losses = self._losses(*self._batch(self._random(1, self.run.step)))
        self.run.update(losses["window"] + self.options.offset * losses["offset"])
        return {name: value.item() for name, value in losses.items()}

    def _random(self, kind: int, index: int) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, kind, index])

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Windows of sound [B, A, 20, 80] and mouths [B, M + 4, ..]."""
        mouth_frames = self.options.windows + POINTS - 1
        frames = mouth_frames + 2 * REACH
        mels, mouths = [], []
        for _ in range(self.options.batch):
            item = self.pool[int(rng.integers(len(self.pool)))]
            first = int(rng.integers(ITEM_FRAMES - frames + 1))
            mel = item.mel[first * MEL_PER_FRAME : (first + frames) * MEL_PER_FRAME].float()
            mels.append(change_mel(mel, rng))
            mouth = item.mouth[first + REACH : first + REACH + mouth_frames]
            mouths.append(self.task.change(mouth, rng))
        return mel_windows(torch.stack(mels), FPS, frames - POINTS + 1), torch.stack(mouths)

    def _losses(self, windows: Tensor, mouths: Tensor) -> dict[str, Tensor]:
        sound, mouth = self.task.embed_sound(windows), self.task.embed_mouth(mouths)
        heard = speech_windows(windows)
        return {
            "window": window_loss(sound, mouth, heard, self.options.temperature),
            "offset": offset_loss(sound, mouth, self.options.sharpness),
        }
