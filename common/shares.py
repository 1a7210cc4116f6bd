"""Work that the processes of a distributed training share and exchange."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from common.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
ROUND = 16
"""Items of each process between two exchanges."""


def in_shares(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of `work` for all items, in their order.

    Of several processes that torchrun started and that have joined each does every nth item and
    gets the other results from the others, so that all end with the same. What one cannot use
    (InputError, OSError) all raise.
    """
    from torch import distributed  # noqa: PLC0415  takes seconds

    together = distributed.is_available() and distributed.is_initialized()
    if not together or (count := distributed.get_world_size()) == 1:
        return [work(item) for item in items]
    group: Any = distributed.new_group(backend="gloo")  # NCCL passes tensors of devices only
    results: list[Result] = []
    try:
        for begin in range(0, len(items), ROUND * count):
            block = items[begin : begin + ROUND * count]
            own = _attempt(work, block[distributed.get_rank() :: count])
            gathered: list[list[Result] | Exception | None] = [None] * count
            distributed.all_gather_object(gathered, own, group)
            shares = [_checked(share) for share in gathered]
            results += [shares[k % count][k // count] for k in range(len(block))]
    finally:
        distributed.destroy_process_group(group)
    return results


def _attempt(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result] | Exception:
    try:
        return [work(item) for item in items]
    except (InputError, OSError) as error:
        return error


def _checked(share: list[Result] | Exception | None) -> list[Result]:
    if isinstance(share, Exception):
        raise share
    assert share is not None
    return share
