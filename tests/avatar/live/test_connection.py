"""One client, without a network: what it says is answered in turn, and nothing grows for ever."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from avatar.live import connection
from avatar.live.connection import PIECE, MessageQueue, converse
from avatar.live.protocol import (
    AHEAD,
    Finish,
    Interrupt,
    Message,
    Refused,
    Skip,
    Sound,
    read_frames,
)
from avatar.live.session import Frames

SECOND = b"\x01" + bytes(32_000)


class Gone(Exception):
    """The client has closed."""


class Client:
    """Says what it is told to, then stays or goes."""

    def __init__(self, *said: str | bytes, stays: float = 0.0, takes: float = 0.0) -> None:
        self.said, self.stays, self.takes = list(said), stays, takes
        self.got: list[Frames] = []
        self.told: list[str] = []

    async def recv(self) -> str | bytes:
        await asyncio.sleep(0)
        if self.said:
            return self.said.pop(0)
        await asyncio.sleep(self.stays)
        raise Gone

    async def send(self, message: str | bytes, /) -> None:
        await asyncio.sleep(self.takes)
        if isinstance(message, str):
            self.told.append(message)
        else:
            self.got.append(read_frames(message))


class Speech:
    """A session that says what was asked of it, one frame for each 0.04 s."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.seconds = seconds
        self.one = asyncio.Lock()

    def turn(self) -> asyncio.Lock:
        return self.one

    async def compute(self, message: Message | Skip) -> Frames | None:
        await asyncio.sleep(self.seconds)
        match message:
            case Skip(samples):
                asked, count = ("skip", samples), 0
            case Sound(pcm, heard):
                asked, count = ("listen" if heard else "push", len(pcm)), len(pcm) // 1280
            case Interrupt(turn, heard):
                asked, count = ("interrupt", (turn, heard)), 3
            case _:
                asked, count = ("finish", None), 1
        self.asked.append(asked)
        return Frames(0, 0, np.zeros((count, 3), np.float32))


def talk(client: Client, speech: Speech) -> None:
    async def whole() -> None:
        await asyncio.wait_for(converse(client, speech), 20)

    asyncio.run(whole())


def test_everything_is_answered_in_turn():
    client, speech = Client(SECOND, '{"type": "finish"}', SECOND, stays=0.1), Speech()
    with pytest.raises(Gone):
        talk(client, speech)
    pieces = [("push", PIECE)] * 5
    assert speech.asked == [*pieces, ("finish", None), *pieces]
    assert sum(map(len, client.got)) == 25 + 1 + 25


def test_small_pieces_that_wait_are_computed_together():
    client, speech = Client(*[b"\x01" + bytes(1280)] * 50, stays=0.5), Speech(0.02)
    with pytest.raises(Gone):
        talk(client, speech)
    assert sum(what for _, what in speech.asked) == 64_000 and len(speech.asked) < 15


def test_what_is_said_and_what_is_heard_are_not_mixed_up():
    both = [b"\x02" + bytes(1280), b"\x02" + bytes(1280), b"\x01" + bytes(640)] * 3
    client, speech = Client(*both, stays=0.3), Speech(0.01)
    with pytest.raises(Gone):
        talk(client, speech)
    names = [name for name, _ in speech.asked]
    assert {
        name: sum(what for other, what in speech.asked if other == name) for name in set(names)
    } == {"listen": 7680, "push": 1920}
    assert names[-2:] == ["listen", "push"]


def test_an_interruption_leaves_what_is_heard():
    waiting = MessageQueue()
    for message in (Sound(bytes(10)), Sound(bytes(8), heard=True), Interrupt()):
        waiting.add(message)
    assert [waiting.next(), waiting.next()] == [Sound(bytes(8), heard=True), Interrupt()]


def test_an_interruption_overtakes_the_sound_that_waits():
    said = [SECOND] * 20 + ['{"type": "interrupt", "turn": 0, "heard": 8000}', SECOND]
    client, speech = Client(*said, stays=0.3), Speech(0.01)
    with pytest.raises(Gone):
        talk(client, speech)
    at = speech.asked.index(("interrupt", (0, 8000)))
    assert at < 10 and [name for name, _ in speech.asked[at + 1 :]] == ["push"] * 5


def test_turns_are_counted_on_when_sound_is_forgotten():
    waiting = MessageQueue()
    for message in (Sound(bytes(10)), Finish(), Sound(bytes(10)), Interrupt(0, 5)):
        waiting.add(message)

    assert [waiting.next(), waiting.next()] == [Finish(), Interrupt(0, 5)]


def test_what_waits_is_bounded():
    waiting = MessageQueue()
    for _ in range(AHEAD):
        waiting.add(Sound(bytes(32_000)))
    with pytest.raises(Refused, match="this machine is too slow"):
        waiting.add(Sound(bytes(32_000)))


class Microphone(Client):
    """Says a block of 0.04 s every 0.04 s / `haste`."""

    def __init__(self, blocks: int, haste: float, *first: str) -> None:
        super().__init__(*first, *[b"\x01" + bytes(1280)] * blocks)
        self.haste = haste

    async def recv(self) -> str | bytes:
        await asyncio.sleep(0.04 / self.haste)
        return await super().recv()


def test_who_wants_to_be_kept_up_with_loses_sound_but_no_time():
    """A machine that takes three times as long as the sound lasts, ten times as fast as life."""
    client, speech = Microphone(250, 10, '{"type": "keep-up", "behind": 0.6}'), Speech()
    heard, late = 0, []

    async def compute(message: Message | Skip) -> Frames | None:
        nonlocal heard
        if isinstance(message, Skip):
            heard += message.samples
            return None
        assert isinstance(message, Sound)
        await asyncio.sleep(3 * len(message.pcm) / 32_000 / 10)
        heard += len(message.pcm) // 2
        late.append(250 - len(client.said) - heard / 640)  # blocks
        return Frames(0, 0, np.zeros((0, 3), np.float32))

    speech.compute = compute  # type: ignore[method-assign]
    with pytest.raises(Gone):
        talk(client, speech)
    lost = sum(json.loads(told)["samples"] for told in client.told)
    assert 0.3 * 160_000 < lost < 0.9 * 160_000
    assert max(late) * 0.04 < 3  # without it 6.7 s; on an idle machine 0.6 s wait, 0.6 s compute


def test_what_waits_within_bounds_is_not_skipped():
    said = ['{"type": "keep-up", "behind": 2.0}', SECOND, SECOND]
    client, speech = Client(*said, stays=0.1), Speech()
    with pytest.raises(Gone):
        talk(client, speech)
    assert [name for name, _ in speech.asked] == ["push"] * 10 and not client.told


def test_only_the_newest_piece_is_left_and_ends_are_not_skipped():
    waiting = MessageQueue()
    waiting.behind = 0.5
    for message in (Sound(bytes(32_000)), Sound(bytes(640)), Finish()):
        waiting.add(message)

    skip = Skip((32_640 - PIECE) // 2)
    assert [waiting.next() for _ in range(3)] == [skip, Sound(bytes(PIECE)), Finish()]


@pytest.mark.parametrize(("said", "why"), [("nonsense", "JSON"), (b"\x01a", "half a sample")])
def test_nonsense_ends_the_conversation(said: str | bytes, why: str):
    with pytest.raises(Refused, match=why):
        talk(Client(said, stays=9), Speech())


def test_who_takes_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "SLOWEST", 0.1)
    with pytest.raises(Refused, match="was not taken"):
        talk(Client(SECOND, stays=9, takes=9), Speech())


def test_who_says_nothing_gives_the_place_to_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "SILENT", 0.1)
    with pytest.raises(Refused, match="nothing was said"):
        talk(Client(stays=9), Speech())


def test_nothing_of_a_conversation_stays_behind():
    async def whole() -> set[Coroutine]:
        with pytest.raises(Gone):
            await converse(Client(SECOND, stays=0.05), Speech())
        return {task.get_coro() for task in asyncio.all_tasks()}  # type: ignore[misc]

    assert len(asyncio.run(whole())) == 1
