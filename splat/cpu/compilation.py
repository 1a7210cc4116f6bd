"""Saying when Numba compiles kernels."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from numba.core.event import Event, Listener, install_listener


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
