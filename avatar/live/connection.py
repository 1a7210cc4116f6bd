"""One client: what it says is read at once, what it asks for is computed and sent in turn."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.protocol import (
    AHEAD,
    LONGEST,
    Finish,
    Interrupt,
    KeepUp,
    Message,
    Refused,
    Sound,
    frames_message,
    limits,
    read_message,
    skipped,
)
from avatar.live.session import Frames

PIECE = 2 * LONGEST // 5
"""Bytes of sound that are computed at a time, a fifth of a second, so that all get their turn."""
SLOWEST = 5.0
"""Seconds in which a client must take what it is sent."""
SILENT = 300.0
"""Seconds after which a client that says nothing gives its place to others."""


class Socket(Protocol):
    """What is needed of a WebSocket."""

    async def recv(self) -> str | bytes: ...

    async def send(self, message: str | bytes, /) -> None: ...


class Spoken(Protocol):
    """What is needed of a session, wherever it computes."""

    def turn(self) -> AbstractAsyncContextManager[object]:
        """In which alone it may be asked to compute."""
        ...

    async def push(self, pcm: bytes) -> Frames: ...

    async def skip(self, samples: int) -> None: ...

    async def interrupt(self, turn: int | None, heard: int) -> Frames: ...

    async def finish(self) -> Frames: ...


@dataclass(frozen=True)
class Skip:
    """Samples that waited too long."""

    samples: int


class Waiting:
    """What a client has said and nobody has answered yet, in turn."""

    def __init__(self) -> None:
        self.behind = math.inf  # seconds of sound that may wait before the oldest is skipped
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._some = asyncio.Event()

    def add(self, message: Message) -> None:
        """Raises Refused where too much waits."""
        if isinstance(message, Interrupt):  # nobody is to hear what waits; turns are counted on
            self._messages = deque(m for m in self._messages if not isinstance(m, Sound))
            self._bytes = 0
        self._messages.append(message)
        self._bytes += len(message.pcm) if isinstance(message, Sound) else 0
        if self._bytes > 2 * LONGEST * AHEAD or len(self._messages) > 200 * AHEAD:
            raise Refused(f"this machine is too slow: more than {AHEAD} s of sound wait", 1013)
        self._some.set()

    async def some(self) -> None:
        """Until there is a message."""
        await self._some.wait()

    def next(self) -> Message | Skip:
        """The next message; of sound as much as there is, but no more than a piece."""
        if self._bytes > 2 * SAMPLE_RATE * self.behind and (lost := self._skip()):
            return Skip(lost // 2)
        message = self._messages.popleft()
        if isinstance(message, Sound):
            piece = self._piece(message.pcm)
            self._bytes -= len(piece)
            message = Sound(piece)
        if not self._messages:
            self._some.clear()
        return message

    def _skip(self) -> int:
        """Forget the oldest sound, but for a piece of the newest; how many bytes."""
        lost = 0
        while self._bytes > PIECE and isinstance(sound := self._messages[0], Sound):
            cut = min(len(sound.pcm), self._bytes - PIECE)
            self._messages.popleft()
            if cut < len(sound.pcm):
                self._messages.appendleft(Sound(sound.pcm[cut:]))
            self._bytes -= cut
            lost += cut
        return lost

    def _piece(self, pcm: bytes) -> bytes:
        """The beginning of what waits, of which these bytes were taken out already."""
        while len(pcm) < PIECE and self._messages and isinstance(self._messages[0], Sound):
            pcm += self._messages[0].pcm
            self._messages.popleft()
        if len(pcm) > PIECE:
            self._messages.appendleft(Sound(pcm[PIECE:]))
        return pcm[:PIECE]


async def converse(socket: Socket, session: Spoken) -> None:
    """Read and answer until the client goes. Raises Refused for what it may not do, and whatever
    the socket raises when it is closed."""
    waiting = Waiting()
    await first_of(_read(socket, waiting), _answer(socket, session, waiting))


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Run them together until the first ends, which raises what it raised; end the others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(socket: Socket, waiting: Waiting) -> None:
    allowed = limits(time.monotonic)
    while True:
        try:
            said = await asyncio.wait_for(socket.recv(), SILENT)
        except TimeoutError:
            raise Refused(f"nothing was said for {SILENT:.0f} s; connect again", 1008) from None
        message = read_message(said)
        allowed.check(len(message.pcm) // 2 if isinstance(message, Sound) else 0)
        if isinstance(message, KeepUp):
            waiting.behind = message.behind
        else:
            waiting.add(message)


async def _answer(socket: Socket, session: Spoken, waiting: Waiting) -> None:
    while True:
        await waiting.some()
        async with session.turn():  # others' turns are waited for before it is known what is next
            message = waiting.next()
            answer = await _computed(session, message)
        if answer:
            await _send(socket, answer)


async def _computed(session: Spoken, message: Message | Skip) -> str | bytes | None:
    """What is answered, if anything."""
    match message:
        case Skip(samples):
            await session.skip(samples)
            return skipped(samples)
        case Sound(pcm):
            frames = await session.push(pcm)
        case Interrupt(turn, heard):
            frames = await session.interrupt(turn, heard)
        case Finish():
            frames = await session.finish()
        case _:
            raise AssertionError(message)
    return frames_message(frames) if len(frames) else None


async def _send(socket: Socket, message: str | bytes) -> None:
    try:
        await asyncio.wait_for(socket.send(message), SLOWEST)
    except TimeoutError:
        raise Refused(f"what was sent was not taken for {SLOWEST:.0f} s", 1008) from None
