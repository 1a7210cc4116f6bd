"""The shipped networks: weights and a list of steps, run in torch."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from avatar.vision.operators import OPERATORS
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

Name = Literal[
    "face_detector",
    "face_detector_full_range",
    "face_landmarks",
    "face_scores",
    "person",
    "hair",
]
WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class _Step:
    apply: Callable[..., Tensor | tuple[Tensor, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    last_used: tuple[str, ...]  # tensors that no later step needs


@dataclass(frozen=True)
class Network:
    """A feed-forward network on one device; call it with its inputs, get its outputs."""

    steps: tuple[_Step, ...]
    weights: dict[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def device(self) -> torch.device:
        return next(iter(self.weights.values())).device

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Float inputs [N, …], pictures [N, H, W, C] → outputs [N, …]."""
        values = self.weights | dict(zip(self.inputs, inputs, strict=True))
        for step in self.steps:
            found = step.apply(*(values[name] for name in step.inputs))
            found = found if isinstance(found, tuple) else (found,)
            values.update(zip(step.outputs, found, strict=True))
            for name in step.last_used:
                del values[name]
        return tuple(values[name] for name in self.outputs)


def load_network(name: Name, device: torch.device | str = "cpu") -> Network:
    """One of the networks that ship with the project."""
    return read_network(WEIGHTS / f"{name}.safetensors", device)


def read_network(path: Path, device: torch.device | str = "cpu") -> Network:
    """A network that `write_network` wrote. Raises FileNotFoundError or InputError."""
    tensors, metadata = read_tensors(path)
    if "graph" not in metadata:
        raise InputError(f"{path}: holds no graph; convert the network again")
    graph = json.loads(metadata["graph"])
    weights = {
        key: tensor.to(device, torch.float32, memory_format=_order(tensor))
        for key, tensor in tensors.items()
    }
    outputs = tuple(map(str, graph["outputs"]))
    return Network(
        _steps(graph["steps"], {*weights, *outputs}),
        weights,
        tuple(map(str, graph["inputs"])),
        outputs,
    )


def write_network(
    path: Path, weights: dict[str, Tensor], graph: dict[str, Any], source: dict[str, str]
) -> None:
    """Weights and steps in one file; `source` says where they come from."""
    metadata = source | {"graph": json.dumps(graph, separators=(",", ":"))}
    write_tensors(weights, path, metadata)


def _steps(described: list[dict[str, Any]], kept: set[str]) -> tuple[_Step, ...]:
    """Steps in order, each with the tensors that it is the last to use."""
    steps, needed = [], set(kept)
    for step in reversed(described):
        inputs, outputs = tuple(map(str, step["inputs"])), tuple(map(str, step["outputs"]))
        apply = partial(OPERATORS[step["op"]], **step["attributes"])
        steps.append(_Step(apply, inputs, outputs, tuple({*inputs, *outputs} - needed)))
        needed |= {*inputs, *outputs}
    return tuple(reversed(steps))


def _order(tensor: Tensor) -> torch.memory_format:
    return torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
