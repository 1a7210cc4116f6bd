"""One client: messages are read at once, and answered in turn."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Protocol

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.protocol import (
    AHEAD,
    LONGEST,
    Interrupt,
    KeepUp,
    Limits,
    Message,
    Refused,
    Skip,
    Sound,
    frames_message,
    message_of,
    read_message,
)
from avatar.live.session import Frames

PIECE = 2 * LONGEST // 5
"""Bytes of sound that are computed at a time, a fifth of a second, so that all sessions advance."""
SLOWEST = 5.0
"""Seconds in which a client must receive a message."""
SILENT = 300.0
"""Seconds after which an idle client is disconnected."""


class Socket(Protocol):
    """The used part of a WebSocket."""

    async def recv(self) -> str | bytes: ...

    async def send(self, message: str | bytes, /) -> None: ...


class SpeechSession(Protocol):
    """The used part of a session, wherever it computes."""

    def turn(self) -> AbstractAsyncContextManager[object]:
        """Must be held while it computes."""
        ...

    async def compute(self, message: Message | Skip) -> Frames | None:
        """The frames that a message makes ready; None of a `Skip`."""
        ...


class MessageQueue:
    """A client's unanswered messages."""

    def __init__(self) -> None:
        self.behind = math.inf  # seconds of sound that may wait before the oldest is skipped
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._pending = asyncio.Event()

    def add(self, message: Message) -> None:
        """Raises Refused where too much waits."""
        if isinstance(message, Interrupt):  # nobody is to hear what waits; turns are counted on
            kept = (m for m in self._messages if not isinstance(m, Sound) or m.heard)
            self._messages = deque(kept)
            self._bytes = sum(len(m.pcm) for m in self._messages if isinstance(m, Sound))
        self._messages.append(message)
        self._bytes += len(message.pcm) if isinstance(message, Sound) else 0
        if self._bytes > 2 * LONGEST * AHEAD or len(self._messages) > 200 * AHEAD:
            raise Refused(f"this machine is too slow: more than {AHEAD} s of sound wait", 1013)
        self._pending.set()

    async def some(self) -> None:
        """Until there is a message."""
        await self._pending.wait()

    def next(self) -> Message | Skip:
        """The next message; sound is merged up to PIECE."""
        if self._bytes > 2 * SAMPLE_RATE * self.behind and (lost := self._skip()):
            return Skip(lost // 2)
        message = self._messages.popleft()
        if isinstance(message, Sound):
            message = self._piece(message)
            self._bytes -= len(message.pcm)
        if not self._messages:
            self._pending.clear()
        return message

    def _skip(self) -> int:
        """Drop the oldest sound, all but a piece; how many bytes."""
        lost, first = 0, self._messages[0]
        while self._bytes > PIECE and (sound := self._more(first)):
            cut = min(len(sound.pcm), self._bytes - PIECE)
            self._messages.popleft()
            if cut < len(sound.pcm):
                self._messages.appendleft(replace(sound, pcm=sound.pcm[cut:]))
            self._bytes -= cut
            lost += cut
        return lost

    def _more(self, of: Message) -> Sound | None:
        """The next message, if it is sound of the same voice."""
        match of, self._messages[0] if self._messages else None:
            case Sound(_, heard), Sound(_, also) as more if heard == also:
                return more
        return None

    def _piece(self, sound: Sound) -> Sound:
        """A piece of this sound and of that which waits."""
        pcm = sound.pcm
        while len(pcm) < PIECE and (more := self._more(sound)):
            pcm += more.pcm
            self._messages.popleft()
        if len(pcm) > PIECE:
            self._messages.appendleft(replace(sound, pcm=pcm[PIECE:]))
        return replace(sound, pcm=pcm[:PIECE])


async def converse(socket: Socket, session: SpeechSession) -> None:
    """Read and answer until the client goes. Raises Refused for what it may not do, and whatever
    the socket raises when it is closed."""
    queue = MessageQueue()
    await first_of(_read(socket, queue), _answer(socket, session, queue))


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Run coroutines together until the first ends, whose exception is raised; cancel the
    others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(socket: Socket, queue: MessageQueue) -> None:
    allowed = Limits(time.monotonic)
    while True:
        try:
            said = await asyncio.wait_for(socket.recv(), SILENT)
        except TimeoutError:
            raise Refused(f"nothing was said for {SILENT:.0f} s; connect again", 1008) from None
        message = read_message(said)
        sound = message if isinstance(message, Sound) else Sound(b"")
        allowed.check(len(sound.pcm) // 2, sound.heard)
        if isinstance(message, KeepUp):
            queue.behind = message.behind
        else:
            queue.add(message)


async def _answer(socket: Socket, session: SpeechSession, queue: MessageQueue) -> None:
    while True:
        await queue.some()
        async with session.turn():  # the next message is chosen after waiting for others
            message = queue.next()
            frames = await session.compute(message)
        if isinstance(message, Skip):
            await _send(socket, message_of("skipped", samples=message.samples))
        elif frames:
            await _send(socket, frames_message(frames))


async def _send(socket: Socket, message: str | bytes) -> None:
    try:
        await asyncio.wait_for(socket.send(message), SLOWEST)
    except TimeoutError:
        raise Refused(f"what was sent was not taken for {SLOWEST:.0f} s", 1008) from None
