"""How every script runs: parse, call, and turn bad input into one sentence."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Never, TypeVar

import tyro

Options = TypeVar("Options")

BAD_INPUT = 2


class Stopped(KeyboardInterrupt):
    """A signal told the process to end: it unwinds everything, so that cleaning up happens."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_command(main: Callable[[Options], None], options_type: type[Options]) -> None:
    """Parse the command line into `options_type`, run `main`, exit.

    ValueError and OSError are the user's to mend: their message becomes the last line on stderr
    and the exit status is 2. Signals that end the process (Ctrl-C, termination, a closed terminal)
    first clean up and exit with 128 plus their number. Set VOICESPLAT_TRACEBACK=1 to see where an
    error was raised.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    options = tyro.cli(options_type)
    try:
        main(options)
    except (ValueError, OSError) as error:
        if os.environ.get("VOICESPLAT_TRACEBACK"):
            raise
        print(f"error: {_sentence(error)}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except Stopped as stopped:
        _say_stopped(stopped)
    except SystemError as error:  # what a signal becomes that comes in a compiled function
        if not isinstance(error.__cause__, Stopped):
            raise
        _say_stopped(error.__cause__)


def _say_stopped(stopped: Stopped) -> Never:
    print("interrupted: nothing half-written is left", file=sys.stderr)
    sys.exit(128 + stopped.number)


def _stop(number: int, frame: FrameType | None) -> Never:
    raise Stopped(number)


def _sentence(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
