"""How much a client may ask for."""

import pytest

from avatar.live.limits import AHEAD, limits
from avatar.live.log import Log
from avatar.live.protocol import Refused


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_sound_as_it_is_spoken_is_never_too_much():
    clock = Clock()
    allowed = limits(clock)
    for _ in range(25 * 600):
        clock.now += 0.04
        allowed.check(641)  # a clock that runs fast


def test_a_long_answer_may_come_at_once_but_not_the_whole_book():
    allowed = limits(Clock())
    for _ in range(AHEAD):
        allowed.check(16_000)
    with pytest.raises(Refused, match="60 s ahead of its time"):
        allowed.check(16_000)


def test_too_many_messages_are_refused():
    clock = Clock()
    allowed = limits(clock)
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
