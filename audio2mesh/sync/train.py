"""Contrastive training of a sound tower and a mouth tower.

It serves SyncNet3D on lip curves and the two-dimensional expert on mouth crops: what a mouth is
and how it is embedded comes from outside. All that is random follows from (seed, item) or
(seed, step), so a run can be interrupted without a trace.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh.checkpoint import read_tensors, write_tensors
from audio2mesh.sync.contrast import offset_loss, window_loss
from audio2mesh.sync.offsets import REACH
from audio2mesh.sync.segments import FPS, ITEM_FRAMES, Item, change_mel
from audio2mesh.sync.windows import POINTS, mel_windows, speech_windows

MEL_PER_FRAME = 4


@dataclass(frozen=True)
class ContrastOptions:
    steps: int = 2000
    """optimiser steps"""
    batch: int = 8
    """segments per step; every window of the batch is a negative of every other"""
    windows: int = 46
    """windows of the mouth per segment: 46 make 2 s"""
    learning_rate: float = 1e-3
    """peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine"""
    weight_decay: float = 0.05
    """AdamW's weight decay"""
    average: float = 0.995
    """decay per step of the running average of the weights, which is what is saved"""
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


class ContrastTrainer:
    """A training run: the network, its optimiser, its average and the stretches in memory."""

    def __init__(
        self,
        net: torch.nn.Module,
        embed_sound: Callable[[Tensor], Tensor],
        embed_mouth: Callable[[Tensor], Tensor],
        draw: Callable[[np.random.Generator], Item],
        change: Callable[[Tensor, np.random.Generator], Tensor],
        options: ContrastOptions,
    ) -> None:
        """embed_sound: levelled windows [B, A, 20, 80] → [B, A, D]; embed_mouth: mouths
        [B, F, ..] → [B, W, D]; draw makes an item, change alters its mouth [F, ..] as it is used.
        """
        self.net, self.options = net, options
        self.embed_sound, self.embed_mouth = embed_sound, embed_mouth
        self.draw, self.change = draw, change
        self.optimiser = torch.optim.AdamW(
            net.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.average = {n: p.detach().clone() for n, p in net.named_parameters()}
        self.step = 0
        self.pool: list[Item] = []
        self.next_item = 0

    def fill(self, report: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Make the items that the current step draws from."""
        last = self.step // self.options.renew + self.options.pool
        self.next_item = max(self.next_item, last - self.options.pool)
        total = last - self.next_item
        for done in range(total):
            self.pool.append(self.draw(self._random(0, self.next_item)))
            self.next_item += 1
            report(done + 1, total)
        del self.pool[: -self.options.pool]

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses."""
        self.fill()
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * _schedule(self.step, self.options.steps)
        self.net.train()
        losses = self._losses(*self._batch(self._random(1, self.step)))
        total = losses["window"] + self.options.offset * losses["offset"]
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self._update_average()
        self.step += 1
        return {name: value.item() for name, value in losses.items()}

    def use_average(self) -> None:
        """Put the averaged weights into the network, for use."""
        self.net.load_state_dict(self.average, strict=False)
        self.net.eval()

    def save(self, path: Path, record: str) -> None:
        """Write all that a continued run needs; `record` must agree when it is opened again."""
        tensors = {f"net.{n}": p for n, p in self.net.named_parameters()}
        tensors |= {f"average.{n}": p for n, p in self.average.items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{n}": t for n, t in state.items()}
        tensors = {n: t.detach().clone().contiguous() for n, t in tensors.items()}
        write_tensors(tensors, path, {"step": str(self.step), "record": record})

    def resume(self, path: Path, record: str) -> None:
        """Continue a run that `save` wrote; ValueError if it had other options or data."""
        tensors, metadata = read_tensors(path)
        if metadata.get("record") != record:
            raise ValueError(
                f"{path}: this unfinished run had other options or data; delete it to start anew"
            )
        self.step = int(metadata["step"])
        self.net.load_state_dict(_under(tensors, "net."), strict=False)
        self.average = _under(tensors, "average.")
        state = self.optimiser.state_dict()
        for name, tensor in _under(tensors, "optimiser.").items():
            index, key = name.split(".")
            state["state"].setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict(state)

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
            mouths.append(self.change(mouth, rng))
        return mel_windows(torch.stack(mels), FPS, frames - POINTS + 1), torch.stack(mouths)

    def _losses(self, windows: Tensor, mouths: Tensor) -> dict[str, Tensor]:
        sound, mouth = self.embed_sound(windows), self.embed_mouth(mouths)
        heard = speech_windows(windows)
        return {
            "window": window_loss(sound, mouth, heard, self.options.temperature),
            "offset": offset_loss(sound, mouth, self.options.sharpness),
        }

    def _update_average(self) -> None:
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.net.named_parameters():
            self.average[name].lerp_(value.detach(), 1 - decay)


def _schedule(step: int, steps: int) -> float:
    warm = max(1, steps // 20)
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
