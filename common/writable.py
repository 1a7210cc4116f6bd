"""Checks whether a file can be written, before the work starts."""

import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import InputError

NO_ROOM = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file gets larger than this system allows; choose another folder",
}
"""Errors in the middle of writing."""


def check_writable(path: Path, folder: bool = False) -> None:
    """Check that a file, or a folder, can be written under a name.

    Raises FileNotFoundError, InputError or OSError.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"{path}: folder {parent} does not exist; create it first")
    if path.is_dir() and not folder:
        raise InputError(f"{path}: is a folder; name a file")
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise _cannot_write(path, error) from None


def is_free(folder: Path) -> bool:
    """Whether a new folder may get this name: nothing has it, or an empty folder."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def check_distinct(written: Iterable[Path | None], read: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that are inputs or other outputs as well. InputError names the first."""
    taken = {path.resolve() for path in read if path is not None}
    for path in written:
        if path is None:
            continue
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice, as another input or output; choose another")
        taken.add(path.resolve())


@contextmanager
def plain_words(path: Path) -> Iterator[None]:
    """Turn the system's errors in writing `path` into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _cannot_write(path, error) from None
        raise


def _cannot_write(path: Path, error: OSError) -> OSError:
    reason = NO_ROOM.get(error.errno or 0, f"{error.strerror}; choose another folder")
    return OSError(f"{path}: cannot be written: {reason}")
