"""The same work by actors of Ray, on this machine or a cluster."""

import logging
import os
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from common.errors import InputError
from common.workers import Attempts, Died, Item, Result, Work


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
