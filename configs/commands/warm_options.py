"""What is compiled beforehand."""

from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["films", "light", "avatars", "scans", "training"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class WarmOptions:
    """Compile all that is compiled for this processor, so that no later command waits for it.

    It stays on the disk until the program changes.
    """

    parts: tuple[Part, ...] = PARTS
    """What is compiled: films for drive, render, serve and batch; light for --light; avatars for
    make-capture, make-avatar and reconstruct; scans for meshes that become avatars; training for
    the lip reader."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""
