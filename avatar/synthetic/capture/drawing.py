"""Moments drawn by several threads."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from common.progress import progress_bar
from common.threads import available_threads


def in_threads(
    draw: Callable[[int], int], counts: tuple[int, int], threads: int | None = None
) -> int:
    """Call `draw` for each moment, in any order; returns the sum of what it returns.

    counts: how many moments, and how many pictures each has; threads: by default as many as
    are available.
    """
    moments, pictures = counts
    drawn = 0
    with (
        progress_bar("drawing", moments * pictures) as done,
        ThreadPoolExecutor(threads or available_threads()) as pool,
    ):
        waiting: set[Future[int]] = {pool.submit(draw, index) for index in range(moments)}
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    drawn += future.result()
                    for _ in range(pictures):
                        done()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return drawn
