"""Shards hold every job once, and know their number from whatever started them."""

import pytest

from avatar.batch.jobs import Job
from avatar.batch.run import Shard, part_of, shard_of
from common.errors import InputError


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60])
@pytest.mark.parametrize("jobs", [0, 1, 50])
def test_shards_hold_every_job_once(count: int, jobs: int):
    """.. whatever order they are listed in, and about as much of it each."""
    all_jobs = [
        Job(f"{k}", f"avatar{k % 3}", f"{k}.wav", 1000 * (k * 7919 % 50), {}, {}, "out", 1)
        for k in range(jobs)
    ]
    parts = [part_of(all_jobs[:: (-1) ** index], Shard(index, count)) for index in range(count)]
    names = sorted(job.name for part in parts for job in part)
    assert names == sorted(job.name for job in all_jobs)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    loads = [sum(job.size for job in part) for part in parts]
    assert max(loads) - min(loads) <= max((job.size for job in all_jobs), default=0)
    assert len({Shard(index, count).manifest for index in range(count)}) == count


STEP = {"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}
SLURM = {"SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_MAX": "50", "SLURM_ARRAY_TASK_COUNT": "5"}


@pytest.mark.parametrize(
    ("environ", "shard"),
    [
        ({}, Shard(0, 1)),
        ({**SLURM, "SLURM_ARRAY_TASK_ID": "10"}, Shard(0, 5)),
        ({**SLURM, "SLURM_ARRAY_TASK_ID": "40"}, Shard(3, 5)),
        ({"SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4"}, Shard(2, 4)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, Shard(0, 1)),  # the batch script itself
        (
            {**SLURM, "SLURM_ARRAY_TASK_ID": "40", **STEP},
            Shard(7, 10),
        ),
        ({"SKYPILOT_NODE_RANK": "1", "SKYPILOT_NUM_NODES": "3"}, Shard(1, 3)),
        ({"JOB_COMPLETION_INDEX": "4", "JOB_COMPLETIONS": "9"}, Shard(4, 9)),
    ],
)
def test_the_environment_tells_the_shard(environ: dict[str, str], shard: Shard):
    assert shard_of(None, environ) == shard
    assert shard_of("3/40", environ) == Shard(2, 40)


@pytest.mark.parametrize(
    ("given", "environ", "said"),
    [
        ("0/4", {}, "from 1 to n"),
        ("5/4", {}, "from 1 to n"),
        ("half", {}, "as in 3/40"),
        (None, {"JOB_COMPLETION_INDEX": "4"}, "set JOB_COMPLETIONS"),
        (None, {"SLURM_ARRAY_TASK_ID": "4"}, "SLURM_ARRAY_TASK_MIN=: is not a number"),
        (None, {**SLURM, "SLURM_ARRAY_TASK_ID": "11"}, "not evenly spaced"),
        (None, {"SKYPILOT_NODE_RANK": "3", "SKYPILOT_NUM_NODES": "3"}, "is no part"),
    ],
)
def test_what_is_no_shard_is_told(given: str | None, environ: dict[str, str], said: str):
    with pytest.raises(InputError, match=said):
        shard_of(given, environ)
