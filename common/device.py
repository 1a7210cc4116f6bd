"""The choice of the device that computes, and the options of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from common.errors import InputError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]
Problem = Callable[[], str | None]
"""Why something does not work on CUDA, in words; None where it does."""


@dataclass(frozen=True, kw_only=True)
class ThreadOptions:
    """How much of the machine computes."""

    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


@dataclass(frozen=True, kw_only=True)
class ComputeOptions(ThreadOptions):
    """How much of the machine computes, and where."""

    device: Device = "auto"
    """Where to compute: auto takes CUDA where it works."""


class Chosen(NamedTuple):
    """A device, and why it is this one, in a few words."""

    device: "torch.device"
    reason: str


def no_problem() -> None:
    """For what works on CUDA wherever PyTorch does."""


def choose_device(name: Device, problem: Problem = no_problem, index: int = 0) -> Chosen:
    """The device of a name, where PyTorch works and there is no `problem`; of several CUDA devices
    the one of `index`. InputError if "cuda" is asked for and there is a problem."""
    import torch  # noqa: PLC0415  takes seconds

    if name == "cpu":
        return Chosen(torch.device("cpu"), "the CPU was asked for")
    found = "no CUDA device is available to PyTorch"
    if torch.cuda.is_available():
        found = problem()
    if found is None:
        return Chosen(
            torch.device("cuda", index), f"CUDA device {torch.cuda.get_device_name(index)}"
        )
    if name == "cuda":
        raise InputError(f"cannot compute on CUDA: {found}; use the device cpu or auto instead")
    return Chosen(torch.device("cpu"), found)


def pick_device(name: Device, problem: Problem = no_problem, index: int = 0) -> "torch.device":
    """The same, with a line on stderr about the choice."""
    device, reason = choose_device(name, problem, index)
    print(f"device: {device} ({reason})", file=sys.stderr)
    return device
