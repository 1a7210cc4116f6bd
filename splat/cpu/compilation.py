"""Numba's compiled kernels: saying when they are made, and never running outdated ones."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numba.core.event import Event, Listener, install_listener


def drop_outdated_kernels(kernel: Any) -> None:
    """Empty the disk cache that holds `kernel` if any source of this package is newer.

    Numba only looks at the file of the kernel itself, not at what it imports: constants, the
    layout of an array and functions that are inlined.
    """
    package = Path(__file__).parent
    sources = (*package.glob("*.py"), package.parent / "scene" / "conventions.py")
    newest = max(source.stat().st_mtime for source in sources)
    for index in Path(kernel.stats.cache_path).glob("*.nbi"):
        with suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


class _Announcer(Listener):
    """Prints at the first compilation; kernels that come from the disk cache fire no event."""

    def __init__(self) -> None:
        self.started: float | None = None

    def on_start(self, event: Event) -> None:
        if self.started is None:
            self.started = time.perf_counter()
            print("splat: compiling the CPU rasterizer, once ...", end="", file=sys.stderr)
            sys.stderr.flush()

    def on_end(self, event: Event) -> None:
        pass


@contextmanager
def announce_compilation() -> Iterator[None]:
    """Print one line with the time taken if Numba compiles anything inside the block."""
    announcer = _Announcer()
    with install_listener("numba:compile", announcer):
        yield
    if announcer.started is not None:
        print(f" {time.perf_counter() - announcer.started:.1f} s", file=sys.stderr)
