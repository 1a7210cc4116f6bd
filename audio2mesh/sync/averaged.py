"""A network in training with its optimiser and the running average of its weights."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from common.run_state import (
    open_run,
    optimiser_tensors,
    save_run,
    schedule,
    set_optimiser,
    under,
)


@dataclass(frozen=True)
class OptimiserOptions:
    steps: int = 2000
    """optimiser steps"""
    learning_rate: float = 1e-3
    """peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine"""
    weight_decay: float = 0.05
    """AdamW's weight decay"""
    average: float = 0.995
    """decay per step of the running average of the weights, which is what is saved"""


class AveragedRun:
    """Steps of AdamW; all state can be saved and taken up again."""

    def __init__(self, net: nn.Module, options: OptimiserOptions) -> None:
        self.net, self.options = net, options
        self.optimiser = torch.optim.AdamW(
            net.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.average = {n: p.detach().clone() for n, p in net.named_parameters()}
        self.step = 0

    def update(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.learning_rate * schedule(self.step, self.options.steps)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        for name, value in self.net.named_parameters():
            self.average[name].lerp_(value.detach(), 1 - decay)
        self.step += 1

    def use_average(self) -> None:
        """Put the averaged weights into the network, for use."""
        self.net.load_state_dict(self.average, strict=False)
        self.net.eval()

    def save(self, path: Path, record: str) -> None:
        """Write all that a continued run needs; `record` must agree when it is opened again."""
        tensors = {f"net.{n}": p for n, p in self.net.named_parameters()}
        tensors |= {f"average.{n}": p for n, p in self.average.items()}
        save_run(tensors | optimiser_tensors(self.optimiser), path, self.step, record)

    def resume(self, path: Path, record: str) -> None:
        """Continue a run that `save` wrote; InputError if it had other options or data."""
        tensors, self.step = open_run(path, record)
        self.net.load_state_dict(under(tensors, "net."), strict=False)
        self.average = under(tensors, "average.")
        set_optimiser(self.optimiser, tensors)
