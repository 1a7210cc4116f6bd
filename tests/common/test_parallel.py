"""Threads that share work give its results in order, and end."""

import threading
import time
from collections.abc import Iterator
from itertools import count, islice

import numba
import pytest
import torch

from common import parallel
from common.parallel import ahead, in_order, in_pairs, meanwhile, spread


def late(number: int) -> int:
    time.sleep(0.002 * (5 - number % 5))
    return number**2


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers: int):
    assert list(in_order(late, range(20), workers, 6)) == [k**2 for k in range(20)]


def test_items_need_no_end_and_few_are_taken_ahead():
    taken: list[int] = []
    numbers = (taken.append(k) or k for k in count())
    results = in_order(late, numbers, 2, 3)
    assert list(islice(results, 4)) == [0, 1, 4, 9]
    assert len(taken) == 3 + 4
    results.close()


def test_what_fails_raises_where_its_turn_comes_and_the_threads_end():
    before = threading.active_count()
    results = in_order(lambda k: 6 // (3 - k), range(10), 2, 4)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threading.active_count() == before


def test_torch_uses_one_thread_in_each_and_all_of_them_afterwards():
    torch.set_num_threads(2)
    assert list(spread(lambda _: torch.get_num_threads(), range(6))) == [1] * 6
    assert torch.get_num_threads() == 2


def test_pairs_are_made_at_once_with_half_of_the_threads_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parallel, "kernels_may_meet", lambda: True)
    torch.set_num_threads(2)
    both = threading.Barrier(2, timeout=10)

    def work(number: int) -> tuple[int, int]:
        both.wait()
        return number, numba.get_num_threads()

    assert list(in_pairs(work, range(8))) == [(k, 1) for k in range(8)]


@pytest.mark.parametrize(("threads", "may_meet"), [(1, True), (2, False)])
def test_no_pairs_with_one_thread_or_where_kernels_must_not_meet(
    threads: int, may_meet: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parallel, "kernels_may_meet", lambda: may_meet)
    torch.set_num_threads(threads)
    workers = set(in_pairs(lambda _: threading.current_thread(), range(4)))
    assert workers == {threading.current_thread()}


def test_items_are_made_ahead_by_another_thread_and_all_of_them_come():
    makers: list[threading.Thread] = []

    def made() -> Iterator[int]:
        for number in range(5):
            makers.append(threading.current_thread())
            yield number

    assert list(ahead(made())) == [0, 1, 2, 3, 4]
    assert threading.main_thread() not in makers
    assert list(ahead([])) == []


def test_an_item_that_cannot_be_made_raises_where_its_turn_comes():
    def made() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    items = ahead(made())
    assert next(items) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(items)


@pytest.mark.parametrize("threads", [1, 2])
def test_work_is_done_meanwhile_and_once_by_a_thread_of_its_own_if_there_are_several(threads: int):
    torch.set_num_threads(threads)
    begun, workers = threading.Event(), []

    def work() -> int:
        workers.append(threading.current_thread())
        begun.set()
        return torch.get_num_threads()

    with meanwhile(work) as result:
        assert begun.wait(5 if threads > 1 else 0) == (threads > 1)
        assert result() == result() == 1
    assert len(workers) == 1
    assert (workers[0] is threading.main_thread()) == (threads == 1)
    assert torch.get_num_threads() == threads


def test_what_fails_meanwhile_raises_where_it_is_asked_for():
    torch.set_num_threads(2)
    with meanwhile(lambda: 1 // 0) as result, pytest.raises(ZeroDivisionError):
        result()
