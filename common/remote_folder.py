"""A remote folder, whose files are downloaded one by one as they are needed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from common.cache import cache_folder
from common.errors import InputError, mendable
from common.uris import copy_to, find, fingerprint, join

_remote: dict[Path, tuple[str, tuple[str, ...]]] = {}
"""The remote folders of this process, by their local paths: URI, and names of files."""


def remote_folder(uri: str, of: str) -> Path:
    """The local path of a remote folder, in which files that `downloaded` fetches stay.

    One for each content, in the folder `of` of the cache. Raises FileNotFoundError or InputError.
    """
    names = tuple(found.name for found in find(uri, ("",)) if "/" not in found.name)
    digest = hashlib.sha256(fingerprint(uri).encode()).hexdigest()[:32]
    folder = cache_folder() / of / digest / uri.rstrip("/").rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    _remote[folder] = uri, names
    return folder


def list_files(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder with this suffix, local or still remote, sorted by name."""
    names = _remote[folder][1] if folder in _remote else (path.name for path in folder.iterdir())
    return sorted(folder / name for name in names if name.endswith(suffix))


@contextmanager
def downloaded(path: Path) -> Iterator[None]:
    """Download the files of a remote folder with the stem of a path; errors inside the block name
    the remote folder, which other machines know as well."""
    folder = path.parent
    if folder not in _remote:
        yield
        return
    uri, names = _remote[folder]
    for name in names:
        if Path(name).stem == path.stem and not (folder / name).exists():
            with TemporaryDirectory(prefix=".", dir=folder) as scratch:
                copy_to(join(uri, name), Path(scratch)).replace(folder / name)
    try:
        yield
    except (InputError, FileNotFoundError) as error:
        sentence = mendable(error) or str(error)
        raise type(error)(sentence.replace(str(folder), uri)) from error
