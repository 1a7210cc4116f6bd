"""Moments drawn by several threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from common.progress import progress_bar
from common.threads import available_threads


def in_threads(
    draw: Callable[[int], int], pictures: Sequence[int], threads: int | None = None
) -> int:
    """Call `draw` for each moment, in any order; returns the sum of what it returns.

    pictures: how many each moment has; threads: by default as many as are available.
    """
    drawn = 0
    with (
        progress_bar("drawing", sum(pictures)) as done,
        ThreadPoolExecutor(threads or available_threads()) as pool,
    ):
        waiting: dict[Future[int], int] = {
            pool.submit(draw, index): count for index, count in enumerate(pictures)
        }
        try:
            while waiting:
                finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    drawn += future.result()
                    for _ in range(waiting.pop(future)):
                        done()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return drawn
