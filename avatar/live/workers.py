"""Processes in which sessions compute, so that none waits for another's interpreter."""

import asyncio
import pickle
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from functools import partial
from itertools import count
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.drive.frames import frames_at_once
from avatar.live.pictures import Painter, PictureMaker, PictureOptions
from avatar.live.protocol import Message, Refused, Skip, computed
from avatar.live.session import Frames, Session
from avatar.live.speaker import Speaker
from avatar.rigging.avatar import Avatar
from common.threads import use_threads
from splat import Drawing

Result = TypeVar("Result")
WINDOW = 5.0
"""Seconds over which the load of a process is measured."""
FULL = 0.9
"""Highest load of a process."""


class Worker:
    """One process, which gets its data pickled and so needs no files."""

    def __init__(self, needed: bytes) -> None:
        """needed: a speaker, and the avatar that is drawn or None."""
        self.needed, self.sessions = needed, 0
        self._one = asyncio.Lock()
        self._computed: deque[tuple[float, float]] = deque()  # start and end
        self._start()

    def _start(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _prepare, (self.needed,))

    async def run(
        self,
        function: Callable[..., Result],
        *args: object,
        pool: ProcessPoolExecutor | None = None,
    ) -> Result:
        """The result of a function there, or in the process of an earlier pool. Raises Refused if
        the process has died; without a pool a new one is started for the next call."""
        pool = pool or self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, function, *args)
        except BrokenProcessPool:
            if pool is self._pool:
                self._start()
            raise Refused("the process that computed has died; connect again", 1011) from None

    async def living(self) -> ProcessPoolExecutor:
        """The pool, a new one where its process has died."""
        with suppress(Refused):
            await self.run(_live)
        return self._pool

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Reserve the process for the block."""
        async with self._one:
            begun = time.monotonic()
            try:
                yield
            finally:
                self._computed.append((begun, time.monotonic()))

    def load(self) -> float:
        """The share of the last WINDOW seconds in which it computed."""
        since = time.monotonic() - WINDOW
        while self._computed and self._computed[0][1] < since:
            self._computed.popleft()
        return sum(end - max(begin, since) for begin, end in self._computed) / WINDOW

    def has_room(self) -> bool:
        """Whether it can serve one more session like the present ones."""
        return not self.sessions or self.load() * (1 + 1 / self.sessions) <= FULL

    def stop(self) -> None:
        """Stop after the present computation."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class OneByOne:
    """Draws in a process that computes as well; one session waits for another."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def drawing(self) -> AbstractAsyncContextManager[object]:
        return self._worker.turn()

    async def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        return (await self._worker.run(_pictures, row[None]))[0]


class ManyAtOnce:
    """Draws what all sessions wait for together, on a device with a process of its own."""

    def __init__(
        self, draw: Callable[[NDArray[np.float32]], Awaitable[NDArray[np.uint8]]], most: int
    ) -> None:
        """draw: pictures [n, H, W, 3] of rows [n, C + U + POSE]; most: of them at once."""
        self._draw, self._most, self._task = draw, most, None
        self._waiting: list[tuple[NDArray[np.float32], asyncio.Future[NDArray[np.uint8]]]] = []

    def drawing(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    async def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        drawn = asyncio.get_running_loop().create_future()
        self._waiting.append((row, drawn))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._draw_all())
        return await drawn

    async def _draw_all(self) -> None:
        """Until nobody waits; whoever has gone meanwhile is passed over."""
        while batch := self._waiting[: self._most]:
            del self._waiting[: self._most]
            rows = np.stack([row for row, _ in batch])
            (pictures,) = await asyncio.gather(self._draw(rows), return_exceptions=True)
            for number, (_, drawn) in enumerate(batch):
                if drawn.done():
                    continue
                if isinstance(pictures, BaseException):
                    drawn.set_exception(pictures)
                else:
                    drawn.set_result(pictures[number])


class Remote:
    """A session in another process, with which it dies."""

    def __init__(self, worker: Worker, number: int, painter: Painter) -> None:
        """painter: draws its pictures."""
        self._worker, self._number, self._painter = worker, number, painter
        self._pool: ProcessPoolExecutor | None = None  # from its first call on
        worker.sessions += 1

    async def compute(self, message: Message | Skip) -> Frames | None:
        self._pool = self._pool or await self._worker.living()
        return await self._worker.run(_compute, self._number, message, pool=self._pool)

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self._worker.turn()

    def drawing(self) -> AbstractAsyncContextManager[object]:
        return self._painter.drawing()

    async def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        """[H, W, 3] of a row [C + U + POSE]; only where the workers have an avatar."""
        return await self._painter.picture(row)

    async def close(self) -> None:
        self._worker.sessions -= 1
        if self._pool:
            await self._worker.run(_forget, self._number, pool=self._pool)


class Workers:
    """The pool of worker processes."""

    def __init__(
        self,
        speaker: Speaker,
        processes: int,
        avatar: Avatar | None = None,
        drawing: Drawing | None = None,
    ) -> None:
        """avatar: to draw, None for no pictures; drawing: where and by what, the CPU by default."""
        together: Painter | None = None
        self._device: Worker | None = None
        if avatar is not None and drawing is not None and drawing.backend != "cpu":
            self._device = Worker(pickle.dumps((speaker, avatar, drawing)))
            most = frames_at_once(avatar, PictureOptions.width, PictureOptions.height)
            together, avatar = ManyAtOnce(partial(self._device.run, _pictures), most), None
        pickled = pickle.dumps((speaker, avatar, None))
        self._workers = [Worker(pickled) for _ in range(processes)]
        self._painters = [together or OneByOne(worker) for worker in self._workers]
        self._numbers = count()

    def _all(self) -> list[Worker]:
        return [*self._workers, *filter(None, [self._device])]

    async def ready(self) -> None:
        """Wait until all have loaded and warmed up."""
        await asyncio.gather(*(worker.run(_warm) for worker in self._all()))

    def session(self) -> Remote:
        """A new session on the worker with the fewest. Raises Refused where the machine is too
        busy."""
        worker = min(self._workers, key=lambda worker: worker.sessions)
        if not worker.has_room():
            raise Refused("this machine is too busy for another session; try again later", 1013)
        beside = (self._workers.index(worker) + 1) % len(self._workers)
        return Remote(worker, next(self._numbers), self._painters[beside])

    def stop(self) -> None:
        for worker in self._all():
            worker.stop()


_sessions: dict[int, Session] = {}
_speakers: list[Speaker] = []  # the one of this process
_painters: list[PictureMaker] = []  # its own as well, if it draws


def _prepare(needed: bytes) -> None:
    """Signals are the parent's, which ends this process when it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    speaker, avatar, drawing = pickle.loads(needed)
    _speakers.append(speaker)
    if avatar is not None:
        _painters.append(PictureMaker(avatar, speaker, drawing=drawing))
        use_threads(1)
    torch.set_num_threads(1)


def _compute(number: int, message: Message | Skip) -> Frames | None:
    """By one of this process's sessions, which begins with its first message."""
    if number not in _sessions:
        _sessions[number] = Session(_speakers[0])
    return computed(_sessions[number], message)


def _pictures(rows: NDArray[np.float32]) -> NDArray[np.uint8]:
    return _painters[0].pictures(rows)


def _live() -> None:
    """Succeeds only in a living process."""


def _forget(number: int) -> None:
    _sessions.pop(number, None)


def _warm() -> None:
    """Compile and load what the first second of a session needs."""
    session = Session(_speakers[0])
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    session.push((0.1 * noise).astype(np.float32))
    session.finish()
    for painter in _painters:
        painter.picture(_speakers[0].rest.numpy())
