"""Which part of a batch this process makes: told by the user or by what started it."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from avatar.batch.job import Job
from common.errors import InputError


class Shard(NamedTuple):
    """The number of a part, from 0, and how many there are."""

    index: int
    count: int

    @property
    def manifest(self) -> str:
        """The file that tells of its jobs."""
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
    """Parts of parts where several apply: nodes or array tasks that each start several tasks.

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
