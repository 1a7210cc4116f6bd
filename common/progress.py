"""A progress bar on stderr: what is done, how fast, and how long the rest takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


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
