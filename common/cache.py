"""Where this project keeps what it can compute again, and how much of it."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder of this project; the environment's VOICESPLAT_CACHE names another."""
    if chosen := os.environ.get("VOICESPLAT_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "voicesplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voicesplat"


def mark_used(path: Path) -> None:
    """Give a file of the cache the time of its last use, where the folder may be written."""
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
