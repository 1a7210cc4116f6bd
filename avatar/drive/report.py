"""The cost of a run: seconds by stage, frames a second, memory."""

import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal, TypeVar, get_args

import torch

from common.json_files import write_json

Stage = Literal["load", "audio2mesh", "rig", "raster", "encode"]
Item = TypeVar("Item")


@dataclass
class PhaseClock:
    """Seconds spent in each stage so far, by all threads together."""

    seconds: dict[Stage, float] = field(default_factory=lambda: dict.fromkeys(get_args(Stage), 0.0))
    started: float = field(default_factory=time.perf_counter)
    adding: Lock = field(default_factory=Lock)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Add the time spent inside the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: Stage, seconds: float) -> None:
        with self.adding:
            self.seconds[name] += seconds


@dataclass
class DeviceClock:
    """Adds the seconds of stages to a clock. A CUDA device runs asynchronously: it is timed by
    events, other devices directly."""

    clock: PhaseClock
    device: torch.device
    _launched: list[tuple[Stage, torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count what is launched inside the block as one stage."""
        if self.device.type != "cuda":
            with self.clock.stage(name):
                yield
            return
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        yield
        end.record()
        self._launched.append((name, begin, end))

    def landing(self) -> Callable[[], None]:
        """A function that waits until the device has done what was launched so far, and adds the
        seconds of its stages."""
        if self.device.type != "cuda":
            return lambda: None
        launched, self._launched = self._launched, []
        last = torch.cuda.Event()
        last.record()

        def wait() -> None:
            last.synchronize()
            for name, begin, end in launched:
                self.clock.add(name, begin.elapsed_time(end) / 1000)

        return wait


def timed(clock: PhaseClock | DeviceClock, name: Stage, items: Iterable[Item]) -> Iterator[Item]:
    """Pass items on, adding the time that producing each one takes to a stage of a clock."""
    iterator = iter(items)
    while True:
        with clock.stage(name):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


@dataclass(frozen=True)
class Report:
    """The figures of one drive."""

    output: str
    frames: int
    fps: float
    audio_seconds: float
    wall_seconds: float  # from the first check to the finished video; imports left out
    steady_fps: float  # frames over the time of the frame loop, start-up left out
    cpu_seconds: float  # of one core, all threads together, in the frame loop
    peak_rss_mb: float
    backend: str
    gaussians: int
    stages: dict[Stage, float]  # seconds, summed over frames made in parallel


def peak_rss_mb() -> float:
    """This process's largest resident size so far, in MiB.

    On Linux from /proc, since getrusage there also counts what the parent process held when it
    started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def write_report(path: Path, report: Report) -> None:
    """Write the report as JSON."""
    write_json(path, asdict(report))
