"""Training of the lip reader on reels.

All that is random follows from (seed, step), so a run can be interrupted without a trace.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.phones import SILENCE
from audio2mesh.lipreading.decoding import (
    decode,
    edit_distance,
    log_probabilities,
    read_phones,
    visemes,
)
from audio2mesh.lipreading.network import BLANK, FPS, LipReadNet, Reading
from audio2mesh.lipreading.reels import UNKNOWN, LipBatch, Reel, draw_batch
from common.errors import InputError
from common.run_state import (
    open_run,
    optimiser_tensors,
    save_run,
    schedule,
    set_optimiser,
    under,
)

_SCALE_WINDOWS = 64  # windows from which the features' mean and deviation are taken
_BLANK_REELS, _BLANK_FRAMES = 16, 500  # that the blank is adjusted on, and frames of each


@dataclass(frozen=True)
class LipTrainOptions:
    steps: int = 1600
    """optimiser steps"""
    batch: int = 6
    """windows per step"""
    frames: int = 72
    """frames of a window, 25 a second"""
    learning_rate: float = 1.5e-3
    """peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine"""
    weight_decay: float = 0.02
    """AdamW's weight decay"""
    step_weight: float = 1.0
    """weight of naming the phone at each half frame, beside the CTC loss's 1"""
    shape_weight: float = 0.1
    """weight of measuring the mouth, per millimetre"""
    seed: int = 0
    """seed of everything random"""


class LipTrainer:
    """A training run: the network, its optimiser and the reels."""

    def __init__(self, net: LipReadNet, reels: Sequence[Reel], options: LipTrainOptions) -> None:
        self.net, self.reels, self.options = net, reels, options
        self.optimiser = torch.optim.AdamW(
            net.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.step = 0

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses."""
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)
        batch = self._batch(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options.steps)
        self.net.train()
        terms = reading_losses(self.net(batch.crops), batch)
        loss = (
            terms["ctc"]
            + self.options.step_weight * terms["phones"]
            + self.options.shape_weight * terms["shape"]
        )
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in terms.items()}}

    @torch.no_grad()
    def fit_feature_scale(self) -> None:
        """Set the network's feature mean and deviation from windows of its reels."""
        self.net.eval()
        count = max(1, _SCALE_WINDOWS // self.options.batch)
        encoded = torch.cat(
            [
                self.net.encode(self._batch(self.options.steps + n).crops).flatten(0, 1)
                for n in range(count)
            ]
        )
        self.net.centre.copy_(encoded.mean(0))
        self.net.spread.copy_(encoded.std(0).clamp_min(1e-3))

    @torch.no_grad()
    def fit_blank(self) -> None:
        """Lower the blank's score until phones of the training reels are read best.

        A network that is not sure which of a few phones it sees would else prefer to say nothing.
        """
        self.net.eval()
        known = [reel for reel in self.reels if reel.phones][:_BLANK_REELS]
        read = [log_probabilities(self.net, _crops(reel, _BLANK_FRAMES)) for reel in known]
        said = [_spoken(reel, _BLANK_FRAMES / FPS) for reel in known]

        def errors(lower: float) -> int:
            fewer = torch.zeros(BLANK + 1)
            fewer[BLANK] = lower
            found = [decode(log_probs - fewer) for log_probs in read]
            return sum(edit_distance(a, b) for a, b in zip(found, said, strict=True))

        self.net.blank.bias.sub_(min((0.25 * step for step in range(25)), key=errors))

    def save(self, path: Path, record: str) -> None:
        """Write all that a continued run needs; `record` must agree when it is opened again."""
        tensors = {f"net.{name}": t for name, t in self.net.state_dict().items()}
        save_run(tensors | optimiser_tensors(self.optimiser), path, self.step, record)

    def resume(self, path: Path, record: str) -> None:
        """Continue a run that `save` wrote; InputError if it had other options or data."""
        tensors, self.step = open_run(path, record)
        self.net.load_state_dict(under(tensors, "net."))
        set_optimiser(self.optimiser, tensors)

    def _batch(self, number: int) -> LipBatch:
        rng = np.random.default_rng([self.options.seed, 2, number])
        return draw_batch(self.reels, self.options.batch, self.options.frames, rng)


def reading_losses(read: Reading, batch: LipBatch) -> dict[str, Tensor]:
    """CTC per phone, cross entropy per half frame of known phone, and millimetres of shape."""
    known = [row for row, target in enumerate(batch.targets) if len(target)]
    losses = {"ctc": read.log_probs.new_zeros(()), "phones": read.log_probs.new_zeros(())}
    losses["shape"] = (read.shape - batch.shape).abs().mean()
    if known:
        targets = [batch.targets[row] for row in known]
        steps = torch.full((len(known),), read.log_probs.shape[1])
        losses["ctc"] = functional.ctc_loss(
            read.log_probs[known].transpose(0, 1),
            torch.cat(targets),
            steps,
            torch.tensor([len(target) for target in targets]),
            blank=BLANK,
            zero_infinity=True,
        )
        losses["phones"] = functional.cross_entropy(
            read.phones.flatten(0, 1), batch.labels.flatten(), ignore_index=UNKNOWN
        )
    return losses


def lip_scores(net: LipReadNet, reels: Sequence[Reel]) -> dict[str, float]:
    """Error rates over all reels together, with two readers that know nothing for comparison.

    `phones` and `visemes`: edit distance over the number of true ones. `constant`: the phone error
    rate of the best answer that is the same phone over and over, as often as there are phones.
    `shuffled`: that of what was read, held against the next reel. InputError without phones.
    """
    reels = [reel for reel in reels if any(p.label != SILENCE for p in reel.phones)]
    if not reels:
        raise InputError("none of the held-out clips has phones; the lip reader needs some")
    net.eval()
    true = [_spoken(reel, math.inf) for reel in reels]
    read = [read_phones(net, _crops(reel)) for reel in reels]
    said = Counter(chain.from_iterable(true))
    commonest, total = said.most_common(1)[0][0], said.total()

    def rate(found: Sequence[Sequence[object]], wanted: Sequence[Sequence[object]]) -> float:
        return sum(edit_distance(a, b) for a, b in zip(found, wanted, strict=True)) / total

    return {
        "phones": rate(read, true),
        "visemes": rate([visemes(row) for row in read], [visemes(row) for row in true]),
        "constant": rate([[commonest] * len(row) for row in true], true),
        "shuffled": rate(read, [*true[1:], true[0]]) if len(true) > 1 else math.nan,
    }


def _crops(reel: Reel, frames: int | None = None) -> Tensor:
    """The first crops [F, 88, 88] of a reel in [0, 1], or all of them."""
    return torch.from_numpy(np.array(reel.crops[:frames])).float() / 255


def _spoken(reel: Reel, seconds: float) -> list[str]:
    """Phones whose middle lies in the first seconds of a reel, without silence."""
    return [p.label for p in reel.phones if p.start + p.end < 2 * seconds and p.label != SILENCE]
