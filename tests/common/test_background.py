"""Work on a thread of its own."""

import threading

import pytest

from common.parallel import in_background


def test_items_are_taken_in_order_on_another_thread() -> None:
    taken: list[tuple[int, bool]] = []
    main = threading.current_thread()

    def work(item: int) -> None:
        taken.append((item, threading.current_thread() is main))

    with in_background(work) as hand_over:
        for item in range(50):
            hand_over(item)
    assert taken == [(item, False) for item in range(50)]


def test_few_wait() -> None:
    allowed, begun = threading.Semaphore(0), []

    def work(item: int) -> None:
        begun.append(item)
        allowed.acquire()

    with in_background(work, waiting=2) as hand_over:
        hand_over(0)
        hand_over(1)
        third = threading.Thread(target=hand_over, args=(2,))
        third.start()
        third.join(0.05)
        assert third.is_alive() and 2 not in begun
        allowed.release(3)
        third.join()
    assert begun == [0, 1, 2]


@pytest.mark.parametrize("items", [1, 10])
def test_an_error_of_the_work_comes_out_and_the_rest_is_dropped(items: int) -> None:
    begun: list[int] = []

    def fail(item: int) -> None:
        begun.append(item)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"), in_background(fail) as hand_over:
        for item in range(items):
            hand_over(item)
    assert len(begun) <= 2


def test_an_error_inside_the_block_drops_what_has_not_begun() -> None:
    allowed, begun, taken = threading.Event(), threading.Event(), []

    def work(item: int) -> None:
        begun.set()
        allowed.wait()
        taken.append(item)

    with pytest.raises(KeyboardInterrupt), in_background(work, waiting=3) as hand_over:
        for item in range(3):
            hand_over(item)
        begun.wait()
        threading.Timer(0.05, allowed.set).start()
        raise KeyboardInterrupt
    assert taken == [0]
