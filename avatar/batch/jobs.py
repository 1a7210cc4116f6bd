"""The jobs of a batch, from options, folders and tables (.csv with options as columns): their keys,
records and outputs."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from importlib.resources import as_file, files
from pathlib import Path, PurePosixPath
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from audio2mesh.data.options import AUDIO_SUFFIXES
from audio2mesh.model.options import SHIPPED
from avatar.avatar_io.gaussian_avatars import POINTS
from avatar.batch.options import SHARED, BatchOptions, outputs_of
from avatar.drive.options import DriveOptions
from common.errors import InputError
from common.json_files import parse_json
from common.uris import (
    Found,
    find,
    fingerprint,
    get_bytes,
    is_url,
    join,
    local_path,
    name_of,
    put_bytes,
    size_of,
    without_query,
)

RECORDS = ".voicesplat"
"""The folder of the output with the record of each job."""
VERSION = 1  # of the key: another number makes everything again
NOT_IN_KEY = ("device", "threads")


@dataclass(frozen=True)
class Job:
    """One output: a recording on an avatar."""

    name: str  # of its outputs, without suffix; folders by /
    avatar: str  # a URI
    audio: str  # a URI
    size: int  # bytes of the recording, 0 where it is not known
    options: Mapping[str, Any]  # of driving, but for avatar, recording and outputs
    outputs: Mapping[str, str]  # film, motion: suffix
    out: str  # the folder, a URI
    threads: int
    require_consent: bool = False

    @property
    def record(self) -> str:
        """The URI of its record."""
        return join(self.out, f"{RECORDS}/{self.name}.json")

    def output(self, kind: str) -> str:
        """The URI of its film or motion."""
        return join(self.out, self.name + self.outputs[kind])


def scratch(out: str) -> Path:
    """The folder of incomplete outputs, inside the output folder, so that they only need
    renaming."""
    return local_path(join(out, f"{RECORDS}/making"))


def making(job: Job) -> Path:
    """The folder of a job's outputs until they are complete."""
    return scratch(job.out) / hashlib.sha256(job.name.encode()).hexdigest()[:16]


def write_record(job: Job, record: Mapping[str, Any]) -> None:
    """Write the record of a job, whole or not at all."""
    put_bytes(json.dumps(record).encode(), job.record, scratch(job.out))


def job_key(job: Job) -> str:
    """A hash of all inputs: options, and the content of every file. Raises FileNotFoundError."""
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
    said |= {"require_consent": True} if job.require_consent else {}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _content(value: Any) -> Any:
    """An option's value, or the hash of the file that it names."""
    if not isinstance(value, Path | str):
        return value
    return fingerprint(str(value)) if Path(value).is_file() else str(value)


def said_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not driving's own defaults, as plain values."""
    defaults = {field.name: field.default for field in fields(DriveOptions)}
    given = {n: v for n, v in options.items() if v != defaults.get(n, MISSING) and n != "sign"}
    return {n: str(v) if isinstance(v, Path) else v for n, v in given.items()}


def made_before(job: Job, key: str) -> dict[str, Any] | None:
    """The record of a job whose outputs exist unchanged, with the same key."""
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


FILE_COLUMNS, NAME = ("avatar", "audio"), "name"
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def read_table(uri: str) -> list[dict[str, Any]]:
    """The rows: values of options by their names, and of avatar, audio (URIs) and name; empty
    cells are left out. Raises FileNotFoundError, or InputError that names the line."""
    content = get_bytes(uri)
    if content is None:
        raise FileNotFoundError(f"{uri}: there is no such file")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        _check_columns(uri, reader.fieldnames or ())
        rows = [_row(uri, reader.line_num, cells) for cells in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{uri}: is no table of comma-separated values ({error})") from None
    if not rows:
        raise InputError(f"{uri}: has no rows")
    return rows


def _check_columns(uri: str, columns: Sequence[str]) -> None:
    known = [*FILE_COLUMNS, NAME, *(option for option in SHARED if option != "sign")]
    names = [_option(column) for column in columns]
    for column, name in zip(columns, names, strict=True):
        if name not in known:
            flags = ", ".join(each.replace("_", "-") for each in known)
            raise InputError(f"{uri}: no option is called {column!r}; known columns: {flags}")
        if names.count(name) > 1:
            raise InputError(f"{uri}: has two columns {column!r}; leave one out")


def _option(column: str) -> str:
    return column.strip().removeprefix("--").replace("-", "_")


def _row(uri: str, line: int, cells: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in cells or None in cells.values():
        raise InputError(f"{uri}, line {line}: has not as many cells as the first line")
    kinds = get_type_hints(DriveOptions)
    row: dict[str, Any] = {}
    for column, word in cells.items():
        assert column is not None
        name, word = _option(column), word.strip()
        if not word:
            continue
        if name in FILE_COLUMNS:
            row[name] = beside(uri, word)
        elif name == NAME:
            row[name] = word
        else:
            try:
                value = value_of(kinds[name], word)
            except ValueError as error:
                raise InputError(f"{uri}, line {line}, {column}: {error}") from None
            if not is_url(uri):
                path = beside(uri, word)
                if isinstance(value, Path) or (isinstance(value, str) and Path(path).is_file()):
                    value = type(value)(path)
            row[name] = value
    return row


def beside(table: str, word: str) -> str:
    """A URI in a table, which may be relative to it."""
    if is_url(word):
        return word
    if is_url(table):
        return join(without_query(table).rpartition("/")[0], word)
    return str(local_path(table).parent / word)


def value_of(kind: Any, word: str) -> Any:
    """A word as the value of an option of this type: a number, a text, a path, yes or no, one of a
    few. ValueError, in words."""
    if get_origin(kind) is Literal:
        if word not in get_args(kind):
            raise ValueError(f"{word!r} is none of {', '.join(get_args(kind))}")
        return word
    (kind,) = [each for each in get_args(kind) if each is not NoneType] or [kind]
    if kind is bool:
        if word.lower() not in (*YES, *NO):
            raise ValueError(f"{word!r} is neither yes nor no")
        return word.lower() in YES
    try:
        return kind(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a number") from None


AVATARS = (".ply", ".glb", ".obj")
RECORDINGS = tuple(dict.fromkeys((*AUDIO_SUFFIXES, ".aac", ".mov", ".mkv", ".webm")))


def planned(options: BatchOptions, threads: int) -> list[Job]:
    """Every job, in the order of the options. Raises FileNotFoundError, or InputError where nothing
    is found, or two jobs would have one name."""
    rows = read_table(options.table) if options.table else [{}]
    avatars = [found for uri in options.avatars for found in _avatars(uri)]
    recordings = [found for uri in options.audio for found in find(uri, RECORDINGS)]
    common = {name: getattr(options, name) for name in SHARED}
    jobs = [
        Job(
            row.get(NAME) or _name(recording, avatar),
            avatar.uri,
            recording.uri,
            recording.size,
            {**common, **{n: v for n, v in row.items() if n in common}},
            outputs_of(options),
            options.out,
            threads,
            options.require_consent,
        )
        for row in rows
        for avatar in _of_row(row, "avatar", avatars, options)
        for recording in _of_row(row, "audio", recordings, options)
    ]
    _check_names(jobs)
    return jobs


def _avatars(uri: str) -> Sequence[Found]:
    """The avatars of a URI; a folder of GaussianAvatars is one."""
    return [
        _folder_of(found) if PurePosixPath(found.uri).name == POINTS else found
        for found in find(uri, AVATARS)
    ]


def _folder_of(points: Found) -> Found:
    """The folder that GaussianAvatars' file of points shares with others."""
    uri, name = points.uri.rpartition("/")[0] or ".", PurePosixPath(points.name).parent.name
    return Found(uri, name or PurePosixPath(uri).name, points.size)


def _of_row(
    row: Mapping[str, Any], column: str, others: Sequence[Found], options: BatchOptions
) -> Sequence[Found]:
    """The avatar or the recording that a row names, else all that the options name."""
    uri, flag = row.get(column), "--avatars" if column == "avatar" else "--audio"
    if uri is None:
        if not others:
            raise InputError(f"{options.table}: a row names no {column}; give one, or {flag}")
        return others
    if others:
        raise InputError(f"{options.table}: names each {column}; leave {flag} out")
    size = 0 if is_url(uri) else size_of(uri) or 0
    return [Found(uri, name_of(uri), size)]


def _name(recording: Found, avatar: Found) -> str:
    """The default name of a video, in the recording's folders."""
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
