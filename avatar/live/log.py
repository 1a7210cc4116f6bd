"""What the server says of clients that it sends away: once, and then how often."""

import sys
import time
from collections.abc import Callable

QUIET = 10.0
"""Seconds between two lines that say the same."""


class Log:
    """Lines on stderr. The same sentence comes at most every QUIET seconds, with how often it was
    meant; so nobody fills the disk by being refused."""

    def __init__(
        self,
        write: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._clock = write, clock
        self._said: dict[str, tuple[float, int]] = {}  # sentence → when last, how often since

    def refused(self, sentence: str) -> None:
        """Somebody was sent away."""
        at, unsaid = self._said.get(sentence, (-QUIET, 0))
        now = self._clock()
        if now - at < QUIET:
            self._said[sentence] = (at, unsaid + 1)
            return
        again = f" ({unsaid} times more before)" if unsaid else ""
        self._write(f"refused: {sentence}{again}")
        self._said[sentence] = (now, 0)

    def tell_rest(self) -> None:
        """What was not said yet."""
        for sentence, (_, unsaid) in self._said.items():
            if unsaid:
                self._write(f"refused: {sentence} ({unsaid} times more)")
        self._said.clear()
