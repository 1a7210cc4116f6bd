"""What stages take on a device, which runs behind the program that tells it what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from avatar.drive.report import Stage, StageClock


@dataclass
class DeviceClock:
    """Adds the seconds of stages to a clock: of a CUDA device by the events around them, of others
    as they pass."""

    clock: StageClock
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
