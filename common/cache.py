"""The cache folder of this project: its place, locks, keys and size."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.arrays import Arrays, write_arrays


def cache_folder() -> Path:
    """The user's cache folder of this project; the environment's VOICESPLAT_CACHE names another."""
    if chosen := os.environ.get("VOICESPLAT_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "voicesplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voicesplat"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """A lock between the processes of this machine, where the cache folder is writable."""
    path = cache_folder() / f"{name}.lock"
    with ExitStack() as held:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(held.enter_context(path.open("w")), fcntl.LOCK_EX)
        yield


def mark_used(path: Path) -> None:
    """Stamp a file of the cache with the time of its use, where the folder is writable."""
    with suppress(OSError):
        path.touch()


def drop_oldest(folder: Path, keep: int) -> None:
    """Keep the .npz files of a folder that were used last."""
    ages: dict[Path, float] = {}
    for path in folder.glob("*.npz"):
        with suppress(FileNotFoundError):  # another process may drop them as well
            ages[path] = path.stat().st_mtime
    for path in sorted(ages, key=ages.__getitem__)[:-keep]:
        path.unlink(missing_ok=True)


def content_key(arrays: Iterable[tuple[str, NDArray]], folders: Iterable[Path]) -> str:
    """A hash of all inputs of a result: named arrays, and the code in some folders."""
    digest = hashlib.sha256()
    for name, array in arrays:
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    for folder in folders:
        sources = sorted(folder.glob("*.py"))
        assert sources, f"{folder} holds no code: was it renamed?"
        for source in sources:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def keep_arrays(path: Path, arrays: Arrays, keep: int) -> None:
    """Write a file of the cache, and drop all of its folder but the `keep` that were used last; a
    line on stderr where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_arrays(path, arrays)
        drop_oldest(path.parent, keep)
    except OSError as error:
        print(f"{path} could not be kept: {error.strerror or error}", file=sys.stderr)
