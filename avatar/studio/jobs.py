"""Jobs of the studio: command lines of this program, one after the other, in processes that can be
stopped. What they write on stderr tells how far they are, and why they refuse. And what the page
asks for, as such command lines."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from avatar.live.protocol import Refused
from avatar.studio.folder import FILMS, Folder
from common.errors import InputError, mendable
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


SETTINGS = ("width", "height", "background", "label", "emotion", "light", "camera", "crop")
"""Options of drive that the page may set."""
LONGEST = 200  # characters of such a value
PICTURE = "picture:"
"""Before the name of a background's file."""


def read_request(message: str) -> dict[str, Any]:
    """A message of the page. Raises Refused for what is none."""
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("type"), str):
        raise Refused("text must be JSON with a type", 1008)
    return parsed


def text(request: Mapping[str, Any], name: str, longest: int = LONGEST) -> str:
    """A text of a request. Raises Refused where it is none."""
    found = request.get(name)
    if not isinstance(found, str) or len(found) > longest:
        raise Refused(f"{name} must be a text of at most {longest} letters", 1008)
    return found


def number(request: Mapping[str, Any], name: str) -> int:
    """A number of a request. Raises Refused where it is none."""
    found = request.get(name)
    if type(found) is not int or found < 0:
        raise Refused(f"{name} must be a number from 0 on", 1008)
    return found


def make_avatar(queue: Queue, folder: Folder, request: Mapping[str, Any], more: list[str]) -> None:
    """Queue an avatar of an uploaded photo or film. InputError, Refused or OverflowError."""
    name = text(request, "photo")
    photo = folder.path / "photos" / name
    if re.search(r"[/\\\0]", name) or name.startswith(".") or not photo.is_file():
        raise InputError(f"{name}: is not among the photos any more; drop it again")
    consent = folder.write_consent(photo, text(request, "consent", 2000))
    out = folder.free_name("avatars", photo.stem, ".ply")
    kind = "--film" if photo.suffix in FILMS else "--photo"
    words = [kind, f"photos/{name}", "--consent", f"photos/{consent.name}"]
    made = f"avatars/{out.name}"
    queue.add(f"Avatar of {name}", ["make-avatar", *words, "--out", made, *more], out)


def make_film(queue: Queue, folder: Folder, request: Mapping[str, Any], more: list[str]) -> None:
    """Queue a film. InputError, Refused or OverflowError."""
    avatar = folder.file("avatars", text(request, "avatar"))
    voice = folder.file("voices", text(request, "voice"))
    out = folder.free_name("films", f"{avatar.stem} {voice.stem}", ".mp4")
    places = (str(path).removeprefix(f"{folder.path}/") for path in (avatar, voice))
    settings = request.get("settings")
    if not isinstance(settings, dict) or not settings.keys() <= set(SETTINGS):
        raise Refused(f"settings must be of {', '.join(SETTINGS)}", 1008)
    look = [f"--{name}={_value(folder, settings, name)}" for name in settings if settings[name]]
    words = ["drive", *places, "--out", f"films/{out.name}", *look, *more]
    queue.add(f"Film {out.stem}", words, out)


def _value(folder: Folder, settings: Mapping[str, Any], name: str) -> str:
    value = text(settings, name)
    if value.startswith(PICTURE):
        path = folder.file("backgrounds", value.removeprefix(PICTURE))
        return f"backgrounds/{path.name}"
    return value
