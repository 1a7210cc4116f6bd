"""A progress bar on stderr: what is done, how fast, and how long the rest takes; or lines of the
same, for a program that shows them."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


LINES = "VOICESPLAT_PROGRESS"
"""Environment variable: where it is lines, a bar is lines such as "progress: driving 40/280"."""
SOONEST = 0.2  # seconds between two lines
Report = Callable[[int, int], None]
"""(how many are done, of how many)"""


class Show(Protocol):
    """Moves a bar to `done` items of `total`, puts a text behind it, or, without arguments, counts
    one item more."""

    def __call__(
        self, done: int | None = None, total: int | None = None, text: str | None = None
    ) -> None: ...


@contextmanager
def progress_bar(
    what: str, total: int | None = None, unit: str = "fps", done: int = 0, hidden: bool = False
) -> Iterator[Show]:
    """Show a bar of `total` items (None: not known yet) of which `done` are done already.

    unit: what the speed is told in. Yields what moves the bar.
    """
    if os.environ.get(LINES) == "lines":
        yield _lines(what, total, done)
        return
    from rich.console import Console  # noqa: PLC0415  commands that show no bar start without it
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    with Progress(
        *_columns(unit), console=console, refresh_per_second=4, disable=hidden
    ) as progress:
        task = progress.add_task(what, total=total, completed=done, text="")

        def show(
            done: int | None = None, total: int | None = None, text: str | None = None
        ) -> None:
            if text is not None:
                progress.update(task, text=text)
            further = 1 if done is None and text is None else None
            progress.update(task, completed=done, total=total, advance=further)

        yield show


def _lines(what: str, most: int | None, count: int) -> Show:
    """What writes lines instead of moving a bar."""
    told = -SOONEST

    def show(done: int | None = None, total: int | None = None, text: str | None = None) -> None:
        nonlocal told, count, most
        count = count + (text is None) if done is None else done
        most = most if total is None else total
        if count == most or time.monotonic() - told >= SOONEST:
            told = time.monotonic()
            print(f"progress: {what} {count}/{most or 0}", file=sys.stderr, flush=True)

    return show


def _columns(unit: str) -> "tuple[ProgressColumn, ...]":
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0.0:.1f} {unit}")

    return (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Speed(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[text]}", markup=False),
    )


@contextmanager
def silence() -> Iterator[None]:
    """Hide what is printed in the block."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
