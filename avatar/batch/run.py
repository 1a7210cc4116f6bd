"""A batch from options to outputs and their manifest, or the shard of it that the user or the
environment (Slurm, SkyPilot, Kubernetes) assigns to this process."""

import json
import os
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from avatar.batch.jobs import (
    Job,
    job_key,
    made_before,
    making,
    planned,
    said_options,
    scratch,
    write_record,
)
from avatar.batch.options import BatchOptions, check_batch
from common.errors import InputError, mendable
from common.progress import Show, progress_bar
from common.threads import available_threads
from common.uris import is_url, join, put_bytes
from common.workers import Died, in_processes


class Shard(NamedTuple):
    """The index of a part, from 0, and the number of parts."""

    index: int
    count: int

    @property
    def manifest(self) -> str:
        """The name of its manifest."""
        if self.count == 1:
            return "manifest.jsonl"
        return f"manifest-{self.index + 1}-of-{self.count}.jsonl"


def shard_of(given: str | None, environ: Mapping[str, str]) -> Shard:
    """The part that "i/n" names, i from 1; without it what the environment says, else all.

    InputError where it is none.
    """
    if given is None:
        return _of_environment(environ)
    match = re.fullmatch(r"(\d+)/(\d+)", given)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise InputError(f"--shard {given}: must be i/n with i from 1 to n, as in 3/40")
    return Shard(int(match[1]) - 1, int(match[2]))


def _of_environment(environ: Mapping[str, str]) -> Shard:
    """Nested shards where several apply: nodes or array tasks that each start several tasks.

    Sources: Slurm's sbatch and srun manuals, SkyPilot's "Environment Variables", Kubernetes'
    "Indexed Job for Parallel Processing".
    """
    shard = Shard(0, 1)
    for index, count in (
        _slurm_array(environ),
        _pair(environ, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # the latter by srun alone
        _pair(environ, "SKYPILOT_NODE_RANK", "SKYPILOT_NUM_NODES"),
        _kubernetes(environ),
    ):
        shard = Shard(shard.index * count + index, shard.count * count)
    return shard


def _slurm_array(environ: Mapping[str, str]) -> tuple[int, int]:
    """A task of an array; its numbers may start and step as they like."""
    if "SLURM_ARRAY_TASK_ID" not in environ:
        return 0, 1
    task = _number(environ, "SLURM_ARRAY_TASK_ID")
    first, last, count = (
        _number(environ, f"SLURM_ARRAY_TASK_{n}") for n in ("MIN", "MAX", "COUNT")
    )
    step = (last - first) // max(1, count - 1) or 1
    if first + step * (count - 1) != last or (task - first) % step:
        raise InputError(
            f"SLURM_ARRAY_TASK_ID={task}: the numbers of this array are not evenly spaced; give "
            "--shard i/n"
        )
    return (task - first) // step, count


def _kubernetes(environ: Mapping[str, str]) -> tuple[int, int]:
    if "JOB_COMPLETION_INDEX" in environ and "JOB_COMPLETIONS" not in environ:
        raise InputError(
            f"JOB_COMPLETION_INDEX={environ['JOB_COMPLETION_INDEX']}: Kubernetes does not tell of "
            "how many; set JOB_COMPLETIONS in the pod's env to the Job's completions, or give "
            "--shard i/n"
        )
    return _pair(environ, "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS")


def _pair(environ: Mapping[str, str], index: str, count: str) -> tuple[int, int]:
    if index not in environ or count not in environ:
        return 0, 1
    found = _number(environ, index), _number(environ, count)
    if not found[0] < found[1]:
        raise InputError(f"{index}={found[0]}, {count}={found[1]}: is no part; give --shard i/n")
    return found


def _number(environ: Mapping[str, str], name: str) -> int:
    word = environ.get(name, "")
    if not word.isdecimal():
        raise InputError(f"{name}={word}: is not a number; give --shard i/n")
    return int(word)


def part_of(jobs: Sequence[Job], shard: Shard) -> list[Job]:
    """The jobs of a part: the parts hold every job once, and of long and short recordings about as
    many each. One avatar's follow each other, the longest first."""
    dealt = sorted(jobs, key=lambda job: (-job.size, job.name))[shard.index :: shard.count]
    return sorted(dealt, key=lambda job: (job.avatar, -job.size, job.name))


Task = tuple[Job, str]  # with its key
Record = dict[str, Any]
Engine = Callable[[Callable[[Task], Record], Iterable[Task]], Generator[tuple[Task, Record | Died]]]

EVERY = 10.0  # seconds between two writes of the manifest


@dataclass(frozen=True)
class Outcome:
    """Counts of the jobs by result."""

    made: int
    there: int  # made by a run before
    failed: int
    manifest: str


@dataclass
class _Manifest:
    """One line for each finished job, in a file that is always whole."""

    uri: str
    scratch: Path  # for incomplete files
    lines: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    written: float = field(default_factory=time.monotonic)

    def add(self, record: Record) -> None:
        self.lines[record["job"]] = json.dumps(record)
        self.counts[record["status"]] += 1
        if time.monotonic() - self.written > EVERY:
            self.write()

    def write(self) -> None:
        content = "".join(f"{line}\n" for _, line in sorted(self.lines.items()))
        put_bytes(content.encode(), self.uri, self.scratch)
        self.written = time.monotonic()


def run_batch(options: BatchOptions, engine: Engine | None = None) -> Outcome:
    """Make what is missing of a batch, or of a shard of it.

    engine: what works, by default what the options name. Options that cannot work, and URIs that
    hold nothing, raise InputError or OSError with one sentence; what is wrong with a recording or
    an avatar is a line of the manifest.
    """
    check_batch(options)
    shard = shard_of(options.shard, os.environ)
    workers, threads = _sizes(options)
    jobs = part_of(planned(options, threads), shard)
    engine = engine or _engine(options, workers, threads)
    manifest = _Manifest(join(options.out, shard.manifest), scratch(options.out))
    _sweep(jobs)
    with progress_bar("batch", len(jobs), "jobs/s") as show:
        try:
            with closing(engine(_make, _missing(jobs, manifest, show))) as results:
                for (job, key), record in results:
                    if isinstance(record, Died):
                        record = _failed(job, key, record.how)
                        with suppress(InputError, OSError):  # without it the job is done again
                            write_record(job, record)
                    _report(record, manifest, show)
        finally:
            _sweep(jobs)
            if manifest.lines:
                manifest.write()
    counts = manifest.counts
    return Outcome(counts["made"], counts["there"], counts["failed"], manifest.uri)


def _sizes(options: BatchOptions) -> tuple[int | None, int]:
    """The number of workers, None where Ray decides, and the threads of each."""
    if options.engine == "ray":
        return options.workers, options.threads or 1
    most = available_threads()
    workers = options.workers or max(1, most // (options.threads or 1))
    return workers, options.threads or max(1, most // workers)


def _engine(options: BatchOptions, workers: int | None, threads: int) -> Engine:
    if options.engine == "processes":
        assert workers
        return partial(in_processes, workers=workers)
    from common.workers import Share, on_ray  # noqa: PLC0415  an extra

    share = Share(threads, options.ray_gpus)
    return partial(on_ray, workers=workers, share=share, address=options.ray_address)


def _make(task: Task) -> Record:
    from avatar.batch.work import make  # noqa: PLC0415  this process does without torch

    return make(task)


def _missing(jobs: Sequence[Job], manifest: _Manifest, show: Show) -> Iterator[Task]:
    """The jobs to do, with their keys, lazily; the others are reported."""
    for job in jobs:
        try:
            key = job_key(job)
            record = made_before(job, key)
        except (InputError, OSError) as error:
            _report(_failed(job, "", str(mendable(error))), manifest, show)
            continue
        if record is None:
            yield job, key
        else:
            _report({**record, "status": "there"}, manifest, show)


def _failed(job: Job, key: str, why: str) -> Record:
    """The record of a job that no worker reported."""
    said = {"job": job.name, "avatar": job.avatar, "audio": job.audio, "status": "failed"}
    return {**said, "error": why, "seconds": 0.0, "options": said_options(job.options), "key": key}


def _report(record: Record, manifest: _Manifest, show: Show) -> None:
    manifest.add(record)
    if record["status"] == "failed":
        print(f"failed: {record['job']}: {record['error']}", file=sys.stderr)
        show(text=f"{manifest.counts['failed']} failed")
    show()


def _sweep(jobs: Iterable[Job]) -> None:
    """Remove what killed workers left half-done."""
    for job in jobs:
        if not is_url(job.out):
            shutil.rmtree(making(job), ignore_errors=True)
