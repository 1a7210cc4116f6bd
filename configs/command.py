"""How every script runs: parse, call, and turn bad input into one sentence."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

Options = TypeVar("Options")

BAD_INPUT = 2
INTERRUPTED = 130


def run_command(main: Callable[[Options], None], options_type: type[Options]) -> None:
    """Parse the command line into `options_type`, run `main`, exit.

    ValueError and OSError are the user's to mend: their message becomes the last line on stderr
    and the exit status is 2. Set VOICESPLAT_TRACEBACK=1 to see where they were raised.
    """
    options = tyro.cli(options_type)
    try:
        main(options)
    except (ValueError, OSError) as error:
        if os.environ.get("VOICESPLAT_TRACEBACK"):
            raise
        print(f"error: {_sentence(error)}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        print("interrupted: nothing half-written is left", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _sentence(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
