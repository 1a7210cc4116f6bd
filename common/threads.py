"""How many threads compute, and that those with nothing to do sleep.

Threading libraries read from the environment, once, when they are loaded, how their threads wait.
By default most spin for a while, which takes the cores from every other program. Importing this
module tells them to sleep, so it comes before torch, NumPy and Numba: our packages import it first.
What the user has set stays.
"""

import math
import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path

from common.errors import InputError

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


WAITING = {
    "OMP_WAIT_POLICY": "passive",  # GNU OpenMP: torch, and Numba's omp layer
    "KMP_BLOCKTIME": "0",  # milliseconds; LLVM's and Intel's OpenMP
    "OPENBLAS_THREAD_TIMEOUT": "4",  # the least: 2**4 clock ticks; NumPy, SciPy
}
COUNTS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def sleep_while_waiting(environ: MutableMapping[str, str]) -> None:
    """Let threads without work sleep, in all libraries that are loaded from now on.

    Whoever asks for an active OMP_WAIT_POLICY gets it from every OpenMP.
    """
    active = environ.get("OMP_WAIT_POLICY", "").lower() == "active"
    for name, value in WAITING.items():
        if not (active and name == "KMP_BLOCKTIME"):
            environ.setdefault(name, value)


def keep_to_quota(environ: MutableMapping[str, str], quota: float) -> None:
    """Let no library start more threads than a quota of CPU time has use for.

    They count the processors of the affinity mask by themselves, but not the quota. Numba refuses
    a change once it runs.
    """
    if quota >= processors():
        return
    environ.setdefault("OMP_NUM_THREADS", str(math.ceil(quota)))
    if "numba" not in sys.modules:
        environ.setdefault("NUMBA_NUM_THREADS", str(math.ceil(quota)))


def processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_threads(environ: Mapping[str, str] = os.environ, quota: float | None = None) -> int:
    """Threads that compute by default: as many as can run at once, or fewer if the user says so.

    The least of the processors in the affinity mask, the quota of the control groups rounded up,
    NUMBA_NUM_THREADS and OMP_NUM_THREADS.
    """
    quota = cpu_quota() if quota is None else quota
    words = (environ.get(name, "").split(",")[0].strip() for name in COUNTS)
    wanted = [int(word) for word in words if word.isdecimal() and int(word) > 0]
    return max(1, math.ceil(min(processors(), quota, *wanted)))


def use_threads(count: int | None = None) -> int:
    """Let torch, and Numba when called from this thread, compute with `count` threads from now on.

    By default `available_threads()`. Numba never takes more than it was started with, the number of
    processors or NUMBA_NUM_THREADS; nor does torch here. Returns the number in use. Raises
    InputError for a number below one.
    """
    import numba  # noqa: PLC0415  takes a second
    import torch  # noqa: PLC0415  takes seconds
    from numba.np.ufunc.parallel import get_thread_count  # noqa: PLC0415

    if count is not None and count < 1:
        raise InputError(f"--threads {count}: must be at least 1")
    count = min(count or available_threads(), get_thread_count())
    numba.set_num_threads(count)
    torch.set_num_threads(count)
    return count


def thread_count() -> int:
    """Threads that this process computes with: what encoders and readers take their share from."""
    import torch  # noqa: PLC0415  takes seconds

    return torch.get_num_threads()


def kernels_may_meet() -> bool:
    """Whether parallel kernels of Numba may run in several threads at once.

    Its simplest layer, workqueue, ends the process then. Which one it takes is known when a kernel
    has run; before that the answer is no.
    """
    from numba.np.ufunc.parallel import threading_layer  # noqa: PLC0415  takes a second

    try:
        return threading_layer() != "workqueue"
    except ValueError:
        return False


sleep_while_waiting(os.environ)
keep_to_quota(os.environ, cpu_quota())
