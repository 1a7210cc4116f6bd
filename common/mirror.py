"""Mirrors a local folder to a remote one, so that the files of a long run outlive the machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

from common.errors import InputError
from common.uris import join, put, remove

EVERY = 5.0  # seconds between two synchronisations


Versions = dict[str, tuple[int, int, int]]
"""Of files by name: inode, time of the last change in nanoseconds, and bytes."""


@contextmanager
def mirrored(folder: Path, uri: str, every: float = EVERY) -> Iterator[None]:
    """Upload what changes in a folder during the block and at its end, however that comes; removed
    files are removed remotely, last. Hidden files are skipped.

    Failed uploads are reported in a line and tried again; at the end they raise InputError or
    OSError. Files that are written by renaming, as all of ours but logs, arrive whole.
    """
    sent, ended = _written(folder), Event()

    def follow() -> None:
        nonlocal sent
        while not ended.wait(every):
            try:
                sent = _send(folder, uri, sent)
            except (InputError, OSError) as error:
                print(f"{uri}: could not be written, will be tried again: {error}", file=sys.stderr)

    thread = Thread(target=follow, name="mirror", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _send(folder, uri, sent)


def _written(folder: Path) -> Versions:
    """The files of a folder and of those in it, by name."""
    found: Versions = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        try:
            stat = path.stat()
        except FileNotFoundError:  # it was renamed meanwhile
            continue
        if path.is_file():
            found[name.as_posix()] = stat.st_ino, stat.st_mtime_ns, stat.st_size
    return found


def _send(folder: Path, uri: str, before: Versions) -> Versions:
    """Upload changed files and remove missing ones; returns the present versions."""
    now = _written(folder)
    with TemporaryDirectory(prefix=".", dir=folder) as scratch:
        for name in (name for name in now if now[name] != before.get(name)):
            copy = Path(scratch) / "copy"
            try:
                copy.hardlink_to(folder / name)  # it may be renamed over while it is sent
            except FileNotFoundError:
                continue
            put(copy, join(uri, name))
    for name in before.keys() - now.keys():
        remove(join(uri, name))
    return now
