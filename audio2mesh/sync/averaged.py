"""A network in training with its optimiser and the running average of its weights."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from audio2mesh.checkpoint import read_tensors, write_tensors


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


def schedule(step: int, steps: int) -> float:
    """Learning-rate factor: linear warm-up over 5 % of the steps, then a cosine down to zero."""
    warm = max(1, steps // 20)
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
