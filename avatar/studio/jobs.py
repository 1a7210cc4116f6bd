"""Jobs of the studio: command lines of this program, one after the other, in processes that can be
stopped. What they write on stderr tells how far they are, and why they refuse."""

import asyncio
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from common.errors import mendable
from common.progress import LINES

State = Literal["waiting", "running", "done", "failed", "stopped"]
COMMAND = (sys.executable, "-P", "-m", "configs.cli")
"""What runs a verb; -P: no module is taken from the folder in which it runs."""
PROGRESS = re.compile(r"progress: (.*) (\d+)/(\d+)")
REMARKS = 6  # lines that are kept of what a job says
WAITING = 8
"""Jobs that may wait."""
KEPT = 12  # jobs that are told of
PATIENCE = 10.0
"""Seconds in which a stopped job must have cleaned up."""
STOPPED = 128 + signal.SIGINT
EARLY = 0.04
"""Share of a stage before which nothing is said of the time that it takes."""


@dataclass
class Job:
    """One command line."""

    number: int
    title: str
    words: tuple[str, ...]
    out: Path
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    begun: float = 0.0  # the stage, by the monotonic clock
    heard: float = 0.0  # when it last told how far it is
    sentence: str = ""
    remarks: deque[str] = field(default_factory=lambda: deque(maxlen=REMARKS))
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def hear(self, line: str) -> None:
        """Take a line that the job has written."""
        if not (told := PROGRESS.fullmatch(line)):
            if line and not line.startswith("compiling"):
                self.remarks.append(line)
            return
        if told[1] != self.stage:
            self.stage, self.begun = told[1], self.heard or self.begun
        self.heard, self.done, self.total = time.monotonic(), int(told[2]), int(told[3])

    def seconds_left(self) -> float | None:
        """Of the present stage; None where nothing can be said yet."""
        share = self.done / self.total if self.total else 0.0
        if self.state != "running" or share < EARLY:
            return None
        left = (self.heard - self.begun) * (1 - share) / share
        return max(1.0, left + self.heard - time.monotonic())

    def told(self) -> dict[str, Any]:
        """What the page shows of it."""
        return {
            "number": self.number,
            "title": self.title,
            "command": " ".join(["voicesplat", *self.words]),
            "kind": self.out.parent.name,
            "out": self.out.name,
            "state": self.state,
            "stage": self.stage,
            "share": min(1.0, self.done / self.total) if self.total else 0.0,
            "left": self.seconds_left(),
            "sentence": self.sentence,
            "remarks": list(self.remarks),
        }


class Queue:
    """Jobs that wait, one that runs, and those that are over."""

    def __init__(
        self, folder: Path, changed: Callable[[Job], None], command: Sequence[str] = COMMAND
    ) -> None:
        """folder: in which jobs run; changed: called with a job whenever it has changed."""
        self._folder, self._changed, self._command = folder, changed, command
        self._numbers, self._more = count(1), asyncio.Event()
        self.jobs: deque[Job] = deque()

    def add(self, title: str, words: Sequence[str], out: Path) -> Job:
        """A job at the end of the queue; words: its command line; out: the file that it makes.
        Raises OverflowError where too many wait."""
        waiting = sum(job.state == "waiting" for job in self.jobs)
        if waiting >= WAITING:
            raise OverflowError(f"{waiting} jobs wait already; stop one, or try again later")
        job = Job(next(self._numbers), title, tuple(words), out)
        running = [other for other in self.jobs if not other.over]
        if running:
            job.sentence = f"Waits for “{running[-1].title}”: one is made at a time."
        self.jobs.append(job)
        while len(self.jobs) > KEPT and self.jobs[0].over:
            self.jobs.popleft()
        self._more.set()
        self._changed(job)
        return job

    def stop(self, number: int) -> None:
        """Stop a job, or take it out of the queue; nothing where it is over."""
        for job in self.jobs:
            if job.number == number and not job.over:
                job.stop.set()
                if job.state == "waiting":
                    self._end(job, "stopped", "Stopped.")

    async def run(self) -> None:
        """Run jobs until cancelled, which stops the one that runs."""
        while True:
            self._more.clear()
            job = next((job for job in self.jobs if job.state == "waiting"), None)
            if job is None:
                await self._more.wait()
                continue
            await self._run(job)

    async def _run(self, job: Job) -> None:
        job.state, job.sentence, job.begun = "running", "", time.monotonic()
        self._changed(job)
        try:
            process = await self._started(job)
        except OSError as error:
            return self._end(job, "failed", f"It could not be started: {mendable(error)}.")
        beside = [asyncio.create_task(_end_when(job.stop, process))]
        beside.append(asyncio.create_task(self._tick(job)))
        try:
            await self._listen(job, process)
            status = await process.wait()
        finally:
            for task in beside:
                task.cancel()
            await _end(process)
        self._end(job, *_verdict(job, status))

    async def _started(self, job: Job) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            *job.words,
            cwd=self._folder,
            env={**os.environ, LINES: "lines"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )

    async def _listen(self, job: Job, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            job.hear(line.decode(errors="replace").strip())
            self._changed(job)

    async def _tick(self, job: Job) -> None:
        """The time left goes down between two lines, too."""
        while True:
            await asyncio.sleep(1)
            self._changed(job)

    def _end(self, job: Job, state: State, sentence: str) -> None:
        job.state, job.sentence = state, sentence
        self._changed(job)


def _verdict(job: Job, status: int) -> tuple[State, str]:
    """How a job ended, by its exit status."""
    if status == 0:
        return "done", ""
    if job.stop.is_set() or status == STOPPED:
        return "stopped", "Stopped; nothing half-written is left."
    last = job.remarks[-1] if job.remarks else ""
    if last.startswith("error: "):
        said = last.removeprefix("error: ")
        return "failed", f"{said[:1].upper()}{said[1:]}."
    return "failed", f"It ended unexpectedly (status {status}): {last or 'it said nothing'}"


async def _end_when(stop: asyncio.Event, process: asyncio.subprocess.Process) -> None:
    await stop.wait()
    await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Have a process clean up and end."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            if process.returncode is None:
                process.send_signal(number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), PATIENCE)
            return
