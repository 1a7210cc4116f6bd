"""The options of the demo film."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoOptions:
    """Make the film of the demo avatar that speaks the demo voice; both come with the program."""

    out: Path = Path("voicesplat_demo.mp4")
    """The film: .mp4, .webm or .gif; without a suffix a new folder for PNG frames."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
