"""The line that shows how a reconstruction goes: steps, Gaussians, PSNR, time left."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

READ_EVERY = 20  # steps between two readings, which make a GPU wait
Show = Callable[[int, int, Mapping[str, float]], None]
"""(step, Gaussians, values by name)"""

MEMORY = 0.9  # of the PSNR that is shown, at each reading


@contextmanager
def progress_line(
    done: int, steps: int
) -> Iterator[Callable[[int, int, Mapping[str, float]], None]]:
    """Show progress on stderr; yields what shows a step.

    Of the values it shows "psnr/training", smoothed, and "psnr/held-out".
    """
    columns = (
        TextColumn("reconstructing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    shown: dict[str, float] = {}
    with Progress(*columns, console=Console(file=sys.stderr), refresh_per_second=2) as progress:
        task = progress.add_task("", total=steps, completed=done, state="")

        def show(step: int, gaussians: int, values: Mapping[str, float]) -> None:
            for name, value in values.items():
                old = shown.get(name, value) if name == "psnr/training" else value
                shown[name] = MEMORY * old + (1 - MEMORY) * value
            state = f"{gaussians} Gaussians"
            for name, label in (("psnr/training", "training"), ("psnr/held-out", "held-out")):
                if name in shown:
                    state += f", {label} {shown[name]:.2f} dB"
            progress.update(task, completed=step, state=state)
            if "psnr/held-out" in values:
                progress.print(f"step {step}: {state}")

        yield show


def readings(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Curves of what a training step returns: its losses, and its error as PSNR in dB."""
    values = {f"loss/{name}": float(loss) for name, loss in losses.items() if name != "error"}
    return {**values, "psnr/training": -10 * math.log10(max(float(losses["error"]), 1e-10))}
