"""The loop of every training, which saves its state and resumes.

All randomness in a run follows from its step. A run that was stopped, by Ctrl-C, a kill or a power
cut, and resumed therefore ends bit for bit as an uninterrupted one.
"""

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from common.errors import InputError
from common.network_files import read_tensors, write_tensors
from common.progress import progress_bar

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


READ_EVERY = 10
"""Steps between two readings of the losses, which synchronise the GPU."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the process."""


class Run(Protocol):
    """A training in memory."""

    step: int  # how many are done

    def prepare(self) -> None:
        """Prepare the next step; may be interrupted anywhere."""
        ...

    def train_step(self) -> "Mapping[str, Tensor]":
        """Make one step and count it; returns its losses by name, scalars."""
        ...

    def state(self) -> "dict[str, Tensor]":
        """All that changes in the run, except its step and the results of `prepare`."""
        ...

    def set_state(self, tensors: "Mapping[str, Tensor]") -> None:
        """Restore a `state`."""
        ...


Look = Callable[[int, dict[str, float], bool], str]
"""(step, its losses, whether it was saved) → the text behind the progress bar."""


def losses_in_words(step: int, losses: Mapping[str, float], saved: bool) -> str:
    """The losses as text."""
    return "  ".join(f"{name} {value:.3f}" for name, value in losses.items())


def check_steps(steps: int, save_every: int, group: str = "train") -> None:
    """Raise InputError for impossible numbers of steps, options of this group."""
    for name, value in (("steps", steps), ("save-every", save_every)):
        if value < 1:
            raise InputError(f"--{group}.{name} {value}: must be at least 1")


def run_options(options: Any) -> dict[str, Any]:
    """The options of a training, a dataclass, that determine its result."""
    return {name: value for name, value in asdict(options).items() if name != "save_every"}


def state_path(out: Path) -> Path:
    """The state file of the unfinished run of `out`; whoever writes `out` removes it."""
    return out.with_name(f"{out.name}.state")


def take_up(run: Run, out: Path, record: str) -> None:
    """Resume the unfinished run of `out`, if there is one. InputError where its `record`
    differs."""
    path = state_path(out)
    if path.exists():
        tensors, run.step = open_run(path, record)
        run.set_state(tensors)
        print(f"continuing {path} at step {run.step}", file=sys.stderr)


def run_steps(
    run: Run,
    steps: int,
    out: Path,
    record: str,
    save_every: int,
    look: Look = losses_in_words,
    leads: bool = True,
) -> None:
    """Make all steps that remain, with progress on stderr.

    The state is saved beside `out` every `save_every` steps, after the last one and on an
    interrupt; signals wait for the end of a step and of `look`. leads: False for all processes of a
    distributed training but the first, which reports and saves.
    """
    path = state_path(out)

    def save() -> None:
        save_run(run.state(), path, run.step, record)

    def make_step() -> str | None:
        losses = run.train_step()
        saved = run.step % save_every == 0 or run.step == steps
        if not leads or not (saved or run.step % READ_EVERY == 0):
            return None
        if saved:
            save()
        return look(run.step, {name: float(value) for name, value in losses.items()}, saved)

    try:
        if run.step < steps:
            run.prepare()
        with progress_bar("training", steps, "steps/s", run.step, hidden=not leads) as show:
            while run.step < steps:
                run.prepare()
                with _unbroken():
                    text = make_step()
                show(run.step, text=text)
    except KeyboardInterrupt:
        if leads:
            with _unbroken():
                save()
            print(f"stopped at step {run.step}; the same command continues", file=sys.stderr)
        raise


@contextmanager
def _unbroken() -> Iterator[None]:
    """Defer signals that end the process until the block is done. They reach the main thread
    alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = [signal.signal(number, lambda n, _: waiting.append(n)) for number in ENDING]
    try:
        yield
    finally:
        for number, handler in zip(ENDING, before, strict=True):
            signal.signal(number, handler)
    for number in waiting:
        signal.raise_signal(number)
