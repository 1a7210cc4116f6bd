"""Make the films, or the motion, of many recordings on many avatars."""

import sys
import time

from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch

SOME_FAILED = 1


def main(options: BatchOptions) -> None:
    started = time.monotonic()
    done = run_batch(options)
    print(
        f"wrote {done.manifest}: {done.made} made, {done.there} there before, {done.failed} failed "
        f"in {time.monotonic() - started:.1f} s"
    )
    if done.failed:
        sys.exit(SOME_FAILED)
