"""Work that threads share, or that one does in the background."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice, repeat
from typing import TypeVar, cast

from common.threads import kernels_may_meet

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    ahead: int,
    begin: Callable[[], object] | None = None,
) -> Generator[Result, None, None]:
    """The results of `work` for items without an end, as `workers` threads compute them, in the
    items' order.

    ahead: how many items are taken before their results are asked for; begin: what each thread
    calls first. What fails raises where its turn comes. The threads end with the iterator: when it
    is exhausted, closed or dropped, by an error or Ctrl-C as well.
    """
    order = iter(items)
    with ThreadPoolExecutor(workers, "in_order", begin) as pool:
        waiting: deque[Future[Result]] = deque()

        def ask(count: int) -> None:
            waiting.extend(pool.submit(work, item) for item in islice(order, count))

        try:
            ask(ahead)
            while waiting:
                first = waiting.popleft()
                ask(1)
                yield first.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def spread(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """The same with as many threads as torch computes with, in each of which torch uses one."""
    with _one_thread_each() as count:
        yield from in_order(work, items, count, 2 * count)


def beside(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """The same where making the items takes time as well: this thread makes them while the others
    work. With one thread there are no others, and each item is made when it is asked for."""
    with _one_thread_each() as count:
        if count == 1:
            yield from map(work, items)
        else:
            yield from in_order(work, items, count - 1, count)


def in_pairs(
    work: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result, None, None]:
    """The same, two at a time, in each of which Numba's kernels use half of the threads: parts that
    one thread must do leave none idle. One after the other where that is not possible."""
    import numba  # noqa: PLC0415  takes a second

    with _one_thread_each() as count:
        if count == 1 or not kernels_may_meet():
            yield from map(work, items)
        else:
            half = partial(numba.set_num_threads, -(-count // 2))
            yield from in_order(work, items, 2, 3, half)


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items, each made by another thread while the one before it is used."""
    order, ended = iter(items), object()
    for item in in_order(lambda _: next(order, ended), repeat(None), 1, 2):
        if item is ended:
            return
        yield cast("Item", item)


@contextmanager
def meanwhile(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Yield a function that gives the result of `work`, which another thread, where torch uses one,
    does in the meantime; with one thread it is done when it is first asked for.

    What fails raises where the result is asked for. Leaving the block waits for the thread.
    """
    import torch  # noqa: PLC0415  takes seconds

    if torch.get_num_threads() == 1:
        yield cache(work)
    else:
        with ThreadPoolExecutor(1, "meanwhile", torch.set_num_threads, (1,)) as pool:
            yield pool.submit(work).result


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Let torch compute with one thread in those that begin here; yields how many it had."""
    import torch  # noqa: PLC0415  takes seconds

    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield count
    finally:
        torch.set_num_threads(count)


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
