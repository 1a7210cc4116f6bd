"""The state of an interrupted training run, and the learning-rate schedule."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


def schedule(step: int, steps: int) -> float:
    """Learning-rate factor: linear warm-up over 5 % of the steps, then a cosine down to zero."""
    warm = max(1, steps // 20)
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def save_run(tensors: Mapping[str, "Tensor"], path: Path, step: int, record: str) -> None:
    """Write a run's state; `record` must agree when it is opened again."""
    copies = {name: t.detach().clone().contiguous() for name, t in tensors.items()}
    write_tensors(copies, path, {"step": str(step), "record": record})


def open_run(path: Path, record: str) -> tuple[dict[str, "Tensor"], int]:
    """State and step that `save_run` wrote; InputError if the run had other options or data."""
    tensors, metadata = read_tensors(path)
    if metadata.get("record") != record or not metadata.get("step", "").isdecimal():
        raise InputError(
            f"{path}: this unfinished run had other options or data; delete it to start anew"
        )
    return tensors, int(metadata["step"])


def optimiser_tensors(optimiser: "Optimizer") -> dict[str, "Tensor"]:
    """The optimiser's state by names that start with `optimiser.`."""
    return {
        f"optimiser.{index}.{name}": tensor
        for index, state in optimiser.state_dict()["state"].items()
        for name, tensor in state.items()
    }


def set_optimiser(optimiser: "Optimizer", tensors: Mapping[str, "Tensor"]) -> None:
    """Restore the tensors of `optimiser_tensors`; others are ignored."""
    state = optimiser.state_dict()
    for name, tensor in under(tensors, "optimiser.").items():
        index, key = name.split(".")
        state["state"].setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(state)


def under(tensors: Mapping[str, "Tensor"], prefix: str) -> dict[str, "Tensor"]:
    """The tensors whose names start with a prefix, named without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
