"""Saying that Numba compiles kernels, which is what a first start waits for."""

import sys
from collections.abc import Set

from numba.core.event import Event, Listener, register

LINE = "compiling for this processor, once (`voicesplat warm` does it beforehand) ..."


class _Announcer(Listener):
    """Prints at the first compilation; kernels that come from the disk cache fire no event."""

    def __init__(self, packages: Set[str]) -> None:
        self.packages, self.said = packages, False

    def on_start(self, event: Event) -> None:
        told = event.data or {}
        kernel = getattr(told.get("dispatcher"), "py_func", None)
        if not self.said and kernel and kernel.__module__.partition(".")[0] in self.packages:
            self.said = True
            print(LINE, file=sys.stderr, flush=True)

    def on_end(self, event: Event) -> None:
        pass


def announce_compilation(packages: Set[str]) -> None:
    """Print one line on stderr when the first kernel of these packages is compiled from now on."""
    register("numba:compile", _Announcer(packages))
