"""Sizes of many pictures by their headers; the user's cache remembers those of unchanged files."""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from avatar.capture.pictures import picture_size
from common.arrays import pick, read_arrays
from common.atomic import write_beside
from common.cache import cache_folder, drop_oldest, mark_used
from common.progress import progress_bar

Size = tuple[int, int]  # width, height in pixels
Row = tuple[int, ...]  # bytes, ns of the last change, width, height
Rows = dict[str, Row]

WORKERS = 8  # threads, which mostly wait for the disk
BATCH = 256  # pictures that a thread looks at in one go
KEPT = 100  # captures, of up to some MB each


def picture_sizes(path: Path, names: Sequence[str]) -> dict[str, Size]:
    """The sizes of pictures by their names, which a file at `path` gives relative to its folder.

    Ends early at a picture that is missing or unreadable: whoever knows its place says so.
    """
    if not names:
        return {}
    known, found, broken = _remembered(path), Rows(), False

    def rows(batch: Sequence[str]) -> list[Row | None]:
        return [_row(os.path.join(path.parent, name), known.get(name)) for name in batch]

    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    with (
        progress_bar(path.name, len(names), "pictures/s") as show,
        ThreadPoolExecutor(WORKERS, "headers") as pool,
    ):
        try:
            for batch, measured in zip(batches, pool.map(rows, batches), strict=True):
                found |= {name: row for name, row in zip(batch, measured, strict=True) if row}
                show(len(found))
                if broken := None in measured:
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    if not found.items() <= known.items():
        _remember(path, known | found if broken else found)
    return {name: (width, height) for name, (_, _, width, height) in found.items()}


def _row(picture: str, known: Row | None) -> Row | None:
    """What is known of a picture if its file is still the same, else its header's; None where
    there is none."""
    try:
        file = os.stat(picture)
        stamp = (file.st_size, file.st_mtime_ns)
        if known is not None and known[:2] == stamp:
            return known
        return (*stamp, *picture_size(Path(picture)))
    except (OSError, ValueError):
        return None


def _cache_file(path: Path) -> Path:
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return cache_folder() / "picture-sizes" / f"{key}.npz"


def _remembered(path: Path) -> Rows:
    """The rows of the last time; none where they cannot be read."""
    file = _cache_file(path)
    try:
        arrays = read_arrays(file)
        names = pick(file, arrays, "names").tobytes().decode(errors="surrogatepass").split("\0")
        rows = pick(file, arrays, "rows")
    except (OSError, ValueError):
        return {}
    if rows.dtype != np.int64 or rows.shape != (len(names), 4):
        return {}
    mark_used(file)
    return dict(zip(names, map(tuple, rows.tolist()), strict=True))


def _remember(path: Path, rows: Mapping[str, Row]) -> None:
    file = _cache_file(path)
    names = "\0".join(rows).encode(errors="surrogatepass")
    arrays = {"names": np.frombuffer(names, np.uint8), "rows": np.array([*rows.values()], np.int64)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with write_beside(file) as partial:
            np.savez_compressed(partial, **arrays)
        drop_oldest(file.parent, KEPT)
    except OSError as error:
        print(f"{file} could not be kept: {error.strerror or error}", file=sys.stderr)
