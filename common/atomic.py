"""Writing files and folders so that a reader never sees half of one, nor a power cut leaves one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def write_beside(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` when the block succeeds.

    On any error, Ctrl-C included, the temporary file is removed and `path` stays as it was. The
    temporary name is this process's own and ends in the same suffix, for writers that look at it.
    An OSError that names the temporary file names `path` instead.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    with _renamed(temporary, path):
        yield temporary


@contextmanager
def folder_beside(path: Path | str) -> Iterator[Path]:
    """The same for a folder, which is there when it is yielded; `path` may be an empty folder."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with _renamed(temporary, path):
        temporary.mkdir()
        yield temporary


@contextmanager
def _renamed(temporary: Path, path: Path) -> Iterator[None]:
    try:
        yield
        for part in temporary.rglob("*") if temporary.is_dir() else ():
            _to_disk(part)
        _to_disk(temporary)
        temporary.replace(path)
        with suppress(OSError):  # some file systems cannot do it for a folder
            _to_disk(path.parent)
    except BaseException as error:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and str(error.filename) == str(temporary):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def move_whole(file: Path, path: Path) -> None:
    """Give a complete file another name on the same file system, at once and for good."""
    _to_disk(file)
    file.replace(path)
    with suppress(OSError):  # some file systems cannot do it for a folder
        _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    """Wait until what the system still holds in memory of a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
