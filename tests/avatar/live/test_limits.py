"""How much a client may ask for."""

import pytest

from avatar.live.access_policy import Log
from avatar.live.protocol import AHEAD, ConnectionLimit, Limits, Refused


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_sound_as_it_is_spoken_is_never_too_much():
    clock = Clock()
    allowed = Limits(clock)
    for _ in range(25 * 600):
        clock.now += 0.04
        allowed.check(641)  # a clock that runs fast


def test_a_long_answer_may_come_at_once_but_not_the_whole_book():
    allowed = Limits(Clock())
    for _ in range(AHEAD):
        allowed.check(16_000)
        allowed.check(16_000, heard=True)
    for heard in (False, True):
        with pytest.raises(Refused, match="60 s ahead of its time"):
            allowed.check(16_000, heard)


def test_too_many_messages_are_refused():
    clock = Clock()
    allowed = Limits(clock)
    for _ in range(200):
        allowed.check(0)
    with pytest.raises(Refused, match="more than 100 messages a second"):
        allowed.check(0)
    clock.now += 1
    for _ in range(100):
        allowed.check(0)


def test_the_same_refusal_is_told_once_and_then_counted():
    clock, lines = Clock(), []
    log = Log(lines.append, clock)
    for _ in range(1000):
        log.refused("text must be JSON")
    log.refused("another")
    clock.now += 20
    log.refused("text must be JSON")
    log.refused("text must be JSON")
    log.tell_rest()
    assert lines == [
        "refused: text must be JSON",
        "refused: another",
        "refused: text must be JSON (999 times more before)",
        "refused: text must be JSON (1 times more)",
    ]


def test_connections_are_counted_in_all_and_of_each_address():
    limit = ConnectionLimit(5, 3)
    assert [limit.enter("10.0.0.1") for _ in range(4)] == [True, True, True, False]
    assert limit.enter("10.0.0.2") and not limit.enter("10.0.0.3")  # those that are cut are open
    for _ in range(2):
        limit.leave("10.0.0.1")
    assert limit.enter("10.0.0.1") and not limit.enter("10.0.0.2")


def test_a_network_of_ipv6_is_one_address():
    limit = ConnectionLimit(9, 1)
    assert limit.enter("2001:db8::1") and not limit.enter("2001:db8::ffff:2")
    assert limit.enter("2001:db8:0:1::1") and limit.enter("fe80::1%eth0")


def test_a_proxys_connections_come_from_one_address():
    limit = ConnectionLimit(5, None)
    assert [limit.enter("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]
