"""Signals that end the process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unbroken() -> Iterator[None]:
    """Let signals that end the process wait until the block is done."""
    waiting: list[int] = []
    named = ("SIGINT", "SIGTERM", "SIGHUP")  # the last one is unknown to Windows
    numbers = [getattr(signal, name) for name in named if hasattr(signal, name)]
    before = [signal.signal(n, lambda number, _: waiting.append(number)) for n in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    for number in waiting:
        signal.raise_signal(number)
