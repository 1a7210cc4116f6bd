"""The options of a batch, and what they make of each drive."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from avatar.behaviour.options import BehaviourOptions, SpeechOptions
from avatar.drive.options import DriveOptions, LookOptions
from common.errors import InputError, check_idle

Make = Literal["film", "motion", "both"]
Engine = Literal["processes", "ray"]


@dataclass(frozen=True, kw_only=True)
class BatchOptions(SpeechOptions, BehaviourOptions, LookOptions):
    """Make the films, or the motion, of many recordings on many avatars.

    Every recording is driven on every avatar; paths may be URLs that fsspec knows (s3://, gs://).
    An output appears whole or not at all, and the same command makes what is not there yet, or was
    made with other options, of other recordings, avatars or weights. A recording that is of no use
    costs one line. OUT/manifest.jsonl tells of every job; the exit status is 1 where any failed.
    """

    avatars: tuple[str, ...] = ()
    """The avatars: files as --avatar of driving takes them, folders of such, or patterns such as
    'cast/*.ply'."""
    audio: tuple[str, ...] = ()
    """The recordings: files, folders, or patterns such as 'lines/**/*.wav'."""
    table: str | None = None
    """A .csv with one row for each film. Its columns avatar and audio stand in for --avatars and
    --audio; name is the output's, without suffix; any other is an option of this command, such as
    emotion, and where a row leaves it empty the command's holds. Files are named relative to the
    table."""
    out: str
    """The folder of the outputs: <recording>_<avatar>.mp4, in the same folders as the recordings
    lie in."""
    make: Make = "film"
    """What to make: films, motion as --save-motion of driving writes it (.npz), or both."""
    require_consent: bool = False
    """Refuse avatars that do not say that their person agreed (make-avatar --consent), or whose
    consent is over."""
    film_format: Literal["mp4", "webm", "mov"] = "mp4"
    """The format of films."""
    shard: str | None = None
    """Make only the i-th of n parts, as in 3/40. By default as the environment says: of a Slurm
    array or step, of SkyPilot's nodes, of an indexed Kubernetes Job whose pods know
    JOB_COMPLETIONS; else everything."""
    engine: Engine = "processes"
    """What works: processes of this machine, or Ray's actors, on this machine or a cluster."""
    workers: int | None = None
    """How many work at once; by default as many as processors, or the CPUs of Ray's cluster, allow
    with --threads each."""
    threads: int | None = None
    """Threads of each worker; by default 1, or what the processors allow --workers."""
    ray_address: str | None = None
    """The Ray cluster, as in ray://head:10001 or auto; by default RAY_ADDRESS, else one is started
    on this machine."""
    ray_gpus: float = 0.0
    """GPUs of each of Ray's workers; 0.25 lets four share one."""


NOT_OF_DRIVE = frozenset({"audio", "out", "threads"})


SHARED = tuple(
    field.name
    for field in fields(DriveOptions)
    if field.name in {own.name for own in fields(BatchOptions)} - NOT_OF_DRIVE
)
"""The options of driving that a batch, or a row of its table, may give."""


def check_batch(options: BatchOptions) -> None:
    """Refuse, in one sentence, what cannot work, before anything is looked for. InputError."""
    if not options.table and not (options.avatars and options.audio):
        raise InputError("name what to make: --avatars and --audio, or a --table of films")
    for name, least in (("workers", 1), ("threads", 1), ("ray_gpus", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} {value:g}: must be at least {least}")
    of_ray = options.engine == "ray", "--engine ray"
    check_idle(options, {"ray_address": of_ray, "ray_gpus": of_ray})


def outputs_of(options: BatchOptions) -> Mapping[str, str]:
    """What is made of each job, and the suffix that it gets."""
    made = {"film": f".{options.film_format}", "motion": ".npz"}
    return made if options.make == "both" else {options.make: made[options.make]}
