"""Progress of long steps, with the time left, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

Report = Callable[[int, int], None]
"""(how many are done, of how many)"""


@contextmanager
def reporting(what: str) -> Iterator[Report]:
    """Yields a function that shows how far `what` is."""
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
