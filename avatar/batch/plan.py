"""What a batch is to make: options and folders become jobs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from audio2mesh.data.options import AUDIO_SUFFIXES
from avatar.batch.job import RECORDS, Job
from avatar.batch.options import BatchOptions, drive_options, outputs_of
from avatar.batch.table import NAME, read_table
from avatar.files.names import POINTS
from common.errors import InputError
from common.places import Found, find, is_url, name_of, size_of

AVATARS = (".ply", ".glb", ".obj")
RECORDINGS = tuple(dict.fromkeys((*AUDIO_SUFFIXES, ".aac", ".mov", ".mkv", ".webm")))


def planned(options: BatchOptions, threads: int) -> list[Job]:
    """Every job, in the order of the options. Raises FileNotFoundError, or InputError where nothing
    is found, or two jobs would have one name."""
    rows = read_table(options.table) if options.table else [{}]
    avatars = [found for place in options.avatars for found in _avatars(place)]
    recordings = [found for place in options.audio for found in find(place, RECORDINGS)]
    common = drive_options(options)
    jobs = [
        Job(
            row.get(NAME) or _name(recording, avatar),
            avatar.place,
            recording.place,
            recording.size,
            {**common, **{n: v for n, v in row.items() if n in common}},
            outputs_of(options),
            options.out,
            threads,
        )
        for row in rows
        for avatar in _of_row(row, "avatar", avatars, options)
        for recording in _of_row(row, "audio", recordings, options)
    ]
    _check_names(jobs)
    return jobs


def _avatars(place: str) -> Sequence[Found]:
    """The avatars of a place; a folder of GaussianAvatars is one."""
    return [
        _folder_of(found) if PurePosixPath(found.place).name == POINTS else found
        for found in find(place, AVATARS)
    ]


def _folder_of(points: Found) -> Found:
    """The folder that GaussianAvatars' file of points shares with others."""
    place, name = points.place.rpartition("/")[0] or ".", PurePosixPath(points.name).parent.name
    return Found(place, name or PurePosixPath(place).name, points.size)


def _of_row(
    row: Mapping[str, Any], column: str, others: Sequence[Found], options: BatchOptions
) -> Sequence[Found]:
    """The avatar or the recording that a row names, else all that the options name."""
    place, flag = row.get(column), "--avatars" if column == "avatar" else "--audio"
    if place is None:
        if not others:
            raise InputError(f"{options.table}: a row names no {column}; give one, or {flag}")
        return others
    if others:
        raise InputError(f"{options.table}: names each {column}; leave {flag} out")
    size = 0 if is_url(place) else size_of(place) or 0
    return [Found(place, name_of(place), size)]


def _name(recording: Found, avatar: Found) -> str:
    """As driving names a video where nobody names it; the recording's folders stay."""
    plain = str(PurePosixPath(avatar.name).with_suffix("")).replace("/", "_")
    return f"{PurePosixPath(recording.name).with_suffix('')}_{plain}"


def _check_names(jobs: Sequence[Job]) -> None:
    for job in jobs:
        path = PurePosixPath(job.name)
        if path.is_absolute() or ".." in path.parts or path.parts[:1] == (RECORDS,):
            raise InputError(f"{job.name}: is no name of an output; give one without ..")
    name, count = Counter(job.name for job in jobs).most_common(1)[0]
    if count > 1:
        first, second = [job for job in jobs if job.name == name][:2]
        raise InputError(
            f"{first.audio} on {first.avatar} and {second.audio} on {second.avatar} would both be "
            f"called {name}; rename one, or name them in a --table"
        )
