"""One job of a batch: a recording on an avatar."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from audio2mesh.model.options import SHIPPED
from avatar.drive.options import DriveOptions
from common.errors import InputError
from common.json_files import parse_json
from common.places import fingerprint, get_bytes, join, local_path, put_bytes, size_of

RECORDS = ".voicesplat"
"""The folder of the output that holds what is known of each job."""
VERSION = 1  # of the key: another number makes everything again
NOT_IN_KEY = ("device", "threads")


@dataclass(frozen=True)
class Job:
    """What to make of a recording and an avatar."""

    name: str  # of its outputs, without suffix; folders by /
    avatar: str  # a place
    audio: str  # a place
    size: int  # bytes of the recording, 0 where it is not known
    options: Mapping[str, Any]  # of driving, but for avatar, recording and outputs
    outputs: Mapping[str, str]  # film, motion: suffix
    out: str  # the folder, a place
    threads: int

    @property
    def record(self) -> str:
        """The place of what is known of it."""
        return join(self.out, f"{RECORDS}/{self.name}.json")

    def output(self, kind: str) -> str:
        """The place of its film or motion."""
        return join(self.out, self.name + self.outputs[kind])


def scratch(out: str) -> Path:
    """The folder of what is not complete yet, inside that of the outputs, so that they only need
    another name then."""
    return local_path(join(out, f"{RECORDS}/making"))


def making(job: Job) -> Path:
    """The folder of a job's outputs until they are complete."""
    return scratch(job.out) / hashlib.sha256(job.name.encode()).hexdigest()[:16]


def write_record(job: Job, record: Mapping[str, Any]) -> None:
    """Write what is known of a job, whole or not at all."""
    put_bytes(json.dumps(record).encode(), job.record, scratch(job.out))


def job_key(job: Job) -> str:
    """A hash of all that decides the outputs: options, and the content of every file that is read.

    Raises FileNotFoundError where one is not there.
    """
    options = {n: _content(v) for n, v in job.options.items() if n not in NOT_IN_KEY}
    with as_file(files("audio2mesh").joinpath("weights", SHIPPED)) as shipped:
        weights = fingerprint(str(job.options["weights"] or shipped))
    said = {
        "version": VERSION,
        "outputs": dict(job.outputs),
        "avatar": fingerprint(job.avatar),
        "audio": fingerprint(job.audio),
        "options": {**options, "weights": weights},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _content(value: Any) -> Any:
    """An option's value, or the hash of the file that it names, as take.csv@1.5s may."""
    if isinstance(value, Path | str):
        name, at, moment = str(value).partition("@")
        if Path(name).is_file():
            return f"{fingerprint(name)}{at}{moment}"
        return str(value)
    return value


def said_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not driving's own defaults, as plain values."""
    defaults = {field.name: field.default for field in fields(DriveOptions)}
    given = {n: v for n, v in options.items() if v != defaults.get(n, MISSING)}
    return {n: str(v) if isinstance(v, Path) else v for n, v in given.items()}


def made_before(job: Job, key: str) -> dict[str, Any] | None:
    """The record of a job whose outputs are there as they were made, with the same key."""
    found = get_bytes(job.record)
    if found is None:
        return None
    try:
        record = parse_json(found, job.record)
    except InputError:
        return None
    if record.get("key") != key or record.get("status") != "made":
        return None
    whole = all(size_of(job.output(k)) == record["outputs"].get(k) for k in job.outputs)
    return record if whole else None
