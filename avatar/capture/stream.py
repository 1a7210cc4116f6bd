"""Pictures from disk in any order, read ahead by threads, kept while memory allows.

PNG and JPEG decoders run outside Python's global lock, so that threads are enough.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

import torch

from avatar.capture.capture import View
from avatar.capture.pictures import Picture, read_picture
from common.parallel import in_order
from common.threads import thread_count

READERS = 2  # threads at most
AHEAD = 16  # pictures that are read before they are asked for


def shuffled(views: Sequence[View], seed: int, start: int = 0) -> Iterator[View]:
    """Views without end, every one once in each pass; each pass has an order of its own.

    The same seed gives the same order; `start` views are left out, so that a run goes on where it
    stopped.
    """
    assert views
    turn, place = divmod(start, len(views))
    while True:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + turn)
        order = torch.randperm(len(views), generator=generator).tolist()
        yield from (views[index] for index in order[place:])
        turn, place = turn + 1, 0


def keeping_reader(budget: int) -> Callable[[View], Picture]:
    """`read_picture` that keeps what it read until `budget` bytes are full.

    The first pictures stay: where every pass reads all of them in another order, that saves more
    than keeping the latest.
    """
    kept: dict[Path, Picture] = {}
    left, lock = budget, Lock()

    def read(view: View) -> Picture:
        nonlocal left
        if view.image in kept:
            return kept[view.image]
        picture = read_picture(view)
        size = picture.color.nbytes + picture.mask.nbytes
        with lock:
            if size <= left and view.image not in kept:
                kept[view.image] = picture
                left -= size
        return picture

    return read


def stream_pictures(
    views: Iterable[View],
    read: Callable[[View], Picture] = read_picture,
    workers: int | None = None,
) -> Generator[tuple[View, Picture], None, None]:
    """Each view with its picture, in the order given, which may have no end.

    By default two threads read, or one where only one computes. A picture that cannot be read
    raises where its turn comes. The threads end with the iterator: when it is exhausted, closed or
    dropped, by an error or Ctrl-C as well.
    """

    def with_picture(view: View) -> tuple[View, Picture]:
        return view, read(view)

    return in_order(with_picture, views, workers or min(READERS, thread_count()), AHEAD)
