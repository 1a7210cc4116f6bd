"""What the control groups of this process allow it: processor time and memory.

Source: the Linux kernel's admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst and
admin-guide/cgroup-v1/memory.rst.
"""

import math
from collections.abc import Iterator
from pathlib import Path

MEMBERSHIP, MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""The process's groups as the kernel lists them, and where their files are."""


def cpu_quota(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """Processors' worth of time that the control groups of this process may use.

    Infinity where nothing limits it. A group is limited by those above it as well. In a container
    the listed path may lie outside of what is mounted; then the root of the mount is the group.
    """
    return min(map(group_quota, _groups("cpu", membership, mount)), default=math.inf)


def memory_limit(membership: Path = MEMBERSHIP, mount: Path = MOUNT) -> float:
    """Bytes that they may hold, the same way; infinity where nothing limits it."""
    return min(map(group_memory, _groups("memory", membership, mount)), default=math.inf)


def _groups(controller: str, membership: Path, mount: Path) -> Iterator[Path]:
    """Folders of a controller: each group in /proc/self/cgroup and all above it."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        named = (mount / controller, mount / controllers)
        for root in named if controllers else (mount, mount / "unified"):
            yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1))


def group_quota(folder: Path) -> float:
    """The quota of one control group in processors, of version 2 or 1; infinity without one."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except (OSError, ValueError):  # no such group; "max"
        return math.inf


def group_memory(folder: Path) -> float:
    """The same of its memory in bytes."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            return float((folder / name).read_text())
        except (OSError, ValueError):
            continue
    return math.inf
