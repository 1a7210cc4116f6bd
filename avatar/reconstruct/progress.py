"""What is shown of a reconstruction: steps, Gaussians, PSNR."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

from common.progress import progress_bar

READ_EVERY = 20  # steps between two readings, which make a GPU wait
MEMORY = 0.9  # of the PSNR that is shown, at each reading


@contextmanager
def progress_line(
    done: int, steps: int
) -> Iterator[Callable[[int, int, Mapping[str, float]], None]]:
    """Yields what shows a step: its number, how many Gaussians there are, values by name.

    Of the values it shows "psnr/training", smoothed, and "psnr/held-out".
    """
    shown: dict[str, float] = {}
    with progress_bar("reconstructing", steps, "steps/s", done) as move:

        def show(step: int, gaussians: int, values: Mapping[str, float]) -> None:
            for name, value in values.items():
                old = shown.get(name, value) if name == "psnr/training" else value
                shown[name] = MEMORY * old + (1 - MEMORY) * value
            state = f"{gaussians} Gaussians"
            for name, label in (("psnr/training", "training"), ("psnr/held-out", "held-out")):
                if name in shown:
                    state += f", {label} {shown[name]:.2f} dB"
            move(step, text=state)
            if "psnr/held-out" in values:
                print(f"step {step}: {state}", file=sys.stderr)

        yield show


def readings(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Curves of what a training step returns: its losses, and its error as PSNR in dB."""
    values = {f"loss/{name}": float(loss) for name, loss in losses.items() if name != "error"}
    return {**values, "psnr/training": -10 * math.log10(max(float(losses["error"]), 1e-10))}
