"""A folder that lies elsewhere, whose files come one by one, as they are needed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from common.cache import cache_folder
from common.errors import InputError, mendable
from common.places import copy_to, find, fingerprint, join


class _Far(NamedTuple):
    place: str
    names: tuple[str, ...]  # of its files


_far: dict[Path, _Far] = {}
"""What this process's folders stand for."""


def far_folder(place: str, of: str) -> Path:
    """The path of a folder that stands for one elsewhere, in which what `brought` fetches stays.

    One for each content, in the folder `of` of the cache. Raises FileNotFoundError or InputError.
    """
    names = tuple(found.name for found in find(place, ("",)) if "/" not in found.name)
    digest = hashlib.sha256(fingerprint(place).encode()).hexdigest()[:32]
    folder = cache_folder() / of / digest / place.rstrip("/").rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    _far[folder] = _Far(place, names)
    return folder


def listed(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder that end so, be they here or still elsewhere, in the order of their
    names."""
    names = _far[folder].names if folder in _far else (path.name for path in folder.iterdir())
    return sorted(folder / name for name in names if name.endswith(suffix))


@contextmanager
def brought(path: Path) -> Iterator[None]:
    """Fetch what a folder elsewhere holds under the name of a file, with any suffix; what is wrong
    with it is said with its place there, which other machines know as well."""
    folder = path.parent
    if folder not in _far:
        yield
        return
    place, names = _far[folder]
    for name in names:
        if Path(name).stem == path.stem and not (folder / name).exists():
            with TemporaryDirectory(prefix=".", dir=folder) as scratch:
                copy_to(join(place, name), Path(scratch)).replace(folder / name)
    try:
        yield
    except (InputError, FileNotFoundError) as error:
        sentence = mendable(error) or str(error)
        raise type(error)(sentence.replace(str(folder), place)) from error
