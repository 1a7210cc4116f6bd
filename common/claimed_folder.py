"""A folder of results that belongs to the options that began it: they alone continue it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.json_files import read_json, write_json
from common.writable import is_free

OPTIONS_FILE = "options.json"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def claim_folder(folder: Path, options: Mapping[str, Any], what: str) -> None:
    """Make the folder, or see that it was begun with the same options (plain JSON values).

    what: its contents, in a word. Raises InputError that says what it holds instead, or
    FileNotFoundError where it has no parent.
    """
    record = folder / OPTIONS_FILE
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"{folder}: folder {folder.absolute().parent} does not exist; create it first"
        )
    if record.is_file():
        if read_json(record) != dict(options):
            raise InputError(f"{folder}: holds a {what} with other options; name another folder")
    elif not is_free(folder):
        raise InputError(f"{folder}: exists already; name a new folder")
    folder.mkdir(exist_ok=True)
    write_json(record, options)


def let_go(folder: Path) -> None:
    """Undo `claim_folder` where nothing has come into the folder."""
    if [path.name for path in folder.iterdir()] == [OPTIONS_FILE]:
        (folder / OPTIONS_FILE).unlink()
        folder.rmdir()
