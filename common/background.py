"""Work handed to a thread of its own, in order, with few pieces waiting."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def in_background(
    work: Callable[[Item], None], waiting: int = 2
) -> Iterator[Callable[[Item], None]]:
    """Yield a function that hands an item to `work`, on a thread that takes one after the other.

    It waits while `waiting` items are unfinished; leaving the block waits for all. What `work`
    raises comes out of a later hand-over or of the end of the block, and then, as after an error
    inside the block, what has not begun is dropped.
    """
    unfinished: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as pool:

        def hand_over(item: Item) -> None:
            if len(unfinished) >= waiting:
                unfinished.popleft().result()
            unfinished.append(pool.submit(work, item))

        try:
            yield hand_over
            while unfinished:
                unfinished.popleft().result()
        finally:
            for future in unfinished:
                future.cancel()
