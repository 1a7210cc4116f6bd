"""A pool of processes that keep what they have loaded, or of actors of Ray, on this machine or a
cluster.

A worker that dies, out of memory or by a fault of a library, does not end the run: its item is
given to another once more.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any, Generic, NamedTuple, Never, TypeVar

from common.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item], Result]

ATTEMPTS = 2
PATIENCE = 10.0  # seconds for a worker to clean up before it is killed


@dataclass(frozen=True)
class Died:
    """The result of an item that killed every worker it was given to."""

    how: str


@dataclass(frozen=True)
class Try(Generic[Item]):
    """An item, and how many workers it was given to before."""

    item: Item
    deaths: int = 0


class Attempts(Generic[Item]):
    """The queue of items: new ones, and those whose worker died."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._new = map(Try, items)
        self._again: deque[Try[Item]] = deque()

    def next(self) -> Try[Item] | None:
        """The next item; None where there is none now."""
        return self._again.popleft() if self._again else next(self._new, None)

    def again(self, tried: Try[Item]) -> bool:
        """Whether an item whose worker died is tried once more."""
        if tried.deaths + 1 == ATTEMPTS:
            return False
        self._again.append(Try(tried.item, tried.deaths + 1))
        return True


@dataclass
class _Worker(Generic[Item]):
    process: SpawnProcess
    pipe: Connection
    task: Try[Item] | None = None  # that it works on


def in_processes(
    work: "Work[Item, Result]", items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result | Died], None, None]:
    """The results of `work`, a function of a module, for items (none of them None), as processes
    end with them; an item is taken when a worker is free for it.

    The processes end with the generator, when it is exhausted, closed, or left by an error or
    Ctrl-C, and with this process, whatever ends it.
    """
    todo, crew = Attempts(items), list[_Worker[Item]]()
    try:
        while True:
            _hand_out(work, todo, crew, workers)
            if not (busy := [worker for worker in crew if worker.task is not None]):
                break
            wait([worker.pipe for worker in busy])
            for worker in busy:
                if worker.pipe.poll():
                    yield from _taken(worker, todo, crew)
        for worker in crew:
            with suppress(OSError):  # it died since
                worker.pipe.send(None)
        for worker in crew:
            worker.process.join(PATIENCE)
    finally:
        _end(crew)


def _hand_out(
    work: "Work[Item, Result]", todo: Attempts[Item], crew: list[_Worker[Item]], workers: int
) -> None:
    """Give every free worker an item, and start those that are missing."""
    for worker in crew:
        if worker.task is None and (task := todo.next()) is not None:
            _give(worker, task)
    while len(crew) < workers and (task := todo.next()) is not None:
        crew.append(_started(work))
        _give(crew[-1], task)


def _started(work: "Work[Any, Any]") -> _Worker[Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _give(worker: _Worker[Item], task: Try[Item]) -> None:
    worker.task = task
    with suppress(OSError):  # it is dead, as reading from it will tell
        worker.pipe.send(task.item)


def _taken(
    worker: _Worker[Item], todo: Attempts[Item], crew: list[_Worker[Item]]
) -> Iterator[tuple[Item, Any]]:
    """The result of a worker, if it is alive."""
    task = worker.task
    assert task is not None
    try:
        result = worker.pipe.recv()
    except (EOFError, OSError):
        crew.remove(worker)
        worker.process.join()
        worker.pipe.close()
        if not todo.again(task):
            yield task.item, Died(_how(worker.process.exitcode))
        return
    worker.task = None
    yield task.item, result


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"its worker was killed ({name}{': out of memory?' if name == 'SIGKILL' else ''})"
    return f"its worker ended with status {code}"


def _end(crew: list[_Worker[Any]]) -> None:
    for worker in crew:
        worker.process.terminate()
    for worker in crew:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.pipe.close()


def _serve(work: "Work[Any, Any]", pipe: Connection) -> None:
    """The main loop of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent decides
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):  # nobody asks any more
        while (item := pipe.recv()) is not None:
            result = work(item)
            pipe.send(result)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _leave(number: int, frame: FrameType | None) -> Never:
    raise SystemExit(128 + number)


class Share(NamedTuple):
    """What Ray gives to each worker."""

    cpus: int
    gpus: float = 0.0  # 0.25: four share one


class _Actor:
    """A process that keeps what its work has loaded."""

    def __init__(self, threads: int) -> None:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)  # Ray limits OpenMP alone

    def do(self, work: Any, item: Any) -> Any:
        return work(item)


def on_ray(
    work: "Work[Item, Result]",
    items: Iterable[Item],
    workers: int | None,
    share: Share,
    address: str | None = None,
) -> Generator[tuple[Item, Result | Died], None, None]:
    """The results of `work` as actors end with them; see `in_processes`.

    workers: as many as the cluster has room for by default; address: of the cluster, by default
    that of RAY_ADDRESS, else one is started here and ends with the generator. Raises InputError
    where Ray is not installed, there is no such cluster, or it has no room for a worker.
    """
    ray = _connected(address, workers, share)
    actor = ray.remote(num_cpus=share.cpus, num_gpus=share.gpus)(_Actor)
    todo, free, busy = Attempts(items), [], {}
    count = workers or _room(ray.cluster_resources(), share)
    try:
        while True:
            while (free or len(busy) < count) and (task := todo.next()) is not None:
                worker = free.pop() if free else actor.remote(share.cpus)
                busy[worker.do.remote(work, task.item)] = worker, task
            if not busy:
                return
            for done in ray.wait(list(busy), num_returns=1)[0]:
                worker, task = busy.pop(done)
                try:
                    result = ray.get(done)
                except ray.exceptions.RayActorError as error:
                    if not todo.again(task):
                        yield task.item, Died(f"its worker died: {error}")
                    continue
                free.append(worker)
                yield task.item, result
    finally:
        with suppress(Exception):
            for worker in [*free, *(worker for worker, _ in busy.values())]:
                ray.kill(worker)
        ray.shutdown()


def _connected(address: str | None, workers: int | None, share: Share) -> Any:
    try:
        import ray  # noqa: PLC0415  an extra  # pyright: ignore[reportMissingImports]
        import ray.exceptions  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(
            "--engine ray: Ray is not installed; pip install 'voicesplat[ray]'"
        ) from None
    started_here = address is None and not os.environ.get("RAY_ADDRESS")
    size: dict[str, Any] = {"include_dashboard": False} if started_here else {}
    if started_here and workers:
        size["num_cpus"] = workers * share.cpus
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **size)
    except (ConnectionError, ValueError) as error:
        raise InputError(f"--ray-address {address}: no cluster answers: {error}") from None
    return ray


def _room(resources: dict[str, float], share: Share) -> int:
    """How many workers a cluster has room for."""
    room = resources.get("CPU", 0) // share.cpus
    if share.gpus:
        room = min(room, resources.get("GPU", 0) // share.gpus)
    if room < 1:
        raise InputError(
            f"this Ray cluster has no room for a worker of {share.cpus} CPUs and {share.gpus:g} "
            "GPUs; ask for less with --threads or --ray-gpus"
        )
    return int(room)
