"""Curves that TensorBoard shows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tensorboardX import SummaryWriter

AddPoints = Callable[[int, Mapping[str, float]], None]
"""(step, values by the names of their curves)"""


@contextmanager
def curve_log(folder: Path, first_step: int) -> Iterator[AddPoints]:
    """Yields a function that adds points to curves in `folder`, in TensorBoard's event files.

    Points of an earlier run from `first_step` on are hidden.
    """
    writer = SummaryWriter(str(folder), purge_step=first_step, flush_secs=10)

    def add(step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    try:
        yield add
    finally:
        writer.close()
