"""A table of films: a .csv whose columns are options."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from avatar.batch.options import SHARED
from avatar.drive.options import DriveOptions
from common.errors import InputError
from common.places import get_bytes, is_url, join, local_path, without_query

PLACES = ("avatar", "audio")
NAME = "name"
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def read_table(place: str) -> list[dict[str, Any]]:
    """The rows: values of options by their names, and of avatar, audio (places) and name; empty
    cells are left out. Raises FileNotFoundError, or InputError that names the line."""
    content = get_bytes(place)
    if content is None:
        raise FileNotFoundError(f"{place}: there is no such file")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        _check_columns(place, reader.fieldnames or ())
        rows = [_row(place, reader.line_num, cells) for cells in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{place}: is no table of comma-separated values ({error})") from None
    if not rows:
        raise InputError(f"{place}: has no rows")
    return rows


def _check_columns(place: str, columns: Sequence[str]) -> None:
    known = (*PLACES, NAME, *SHARED)
    names = [_option(column) for column in columns]
    for column, name in zip(columns, names, strict=True):
        if name not in known:
            flags = ", ".join(each.replace("_", "-") for each in known)
            raise InputError(f"{place}: no option is called {column!r}; known columns: {flags}")
        if names.count(name) > 1:
            raise InputError(f"{place}: has two columns {column!r}; leave one out")


def _option(column: str) -> str:
    return column.strip().removeprefix("--").replace("-", "_")


def _row(place: str, line: int, cells: Mapping[str | None, Any]) -> dict[str, Any]:
    if None in cells or None in cells.values():
        raise InputError(f"{place}, line {line}: has not as many cells as the first line")
    kinds = get_type_hints(DriveOptions)
    row: dict[str, Any] = {}
    for column, word in cells.items():
        assert column is not None
        name, word = _option(column), word.strip()
        if not word:
            continue
        if name in PLACES:
            row[name] = beside(place, word)
        elif name == NAME:
            row[name] = word
        else:
            try:
                value = value_of(kinds[name], word)
            except ValueError as error:
                raise InputError(f"{place}, line {line}, {column}: {error}") from None
            row[name] = value if is_url(place) else _file(beside(place, word), value)
    return row


def _file(path: str, value: Any) -> Any:
    """The value of an option, which may be the name of a file: then its path."""
    named = isinstance(value, Path) or (isinstance(value, str) and Path(path).is_file())
    return type(value)(path) if named else value


def beside(table: str, word: str) -> str:
    """A place that a table names, which may be relative to it."""
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
