"""URLs (s3://, gs://, ..) in options, for commands that work on local files."""

import re
from collections.abc import Callable, Iterator, Set
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.errors import InputError, mendable
from common.remote_folder import remote_folder
from common.uris import copy_to, find, is_url, join, kept_copy, size_of

_URL = re.compile(r"([a-z][a-z0-9+.-]+):(?:/(?!/)(.*))?")
"""What a URL becomes as a path."""
COPIES, PARTS = "data", "clips"  # folders of the cache


@contextmanager
def local_options(options: Any, writes: Set[str], shares: Set[str] = frozenset()) -> Iterator[Any]:
    """The options, a dataclass, with paths of this machine in place of URLs.

    Inputs are downloaded into the cache folder, once for each content; of folders of clips that
    the options named in `shares` name each file not before it is needed, see `remote_folder`. What
    the options named in `writes` write goes to a temporary folder, where what a broken-off run had
    kept at the URL lies already, and from there to the URL while the block lasts; of several
    processes that torchrun started the first one does so. Errors name the URLs. Raises InputError
    or OSError.
    """
    named: dict[str, str] = {}
    with ExitStack() as stack:

        def local_path_of(option: str, path: Path) -> Path:
            uri = uri_of(path)
            if not is_url(uri):
                return path
            if option in writes:
                local = stack.enter_context(_written_to(uri))
            else:
                local = _read(uri, option in shares)
            named[str(local)] = uri
            return local

        local = _with_paths(options, local_path_of)
        try:
            yield local
        except (InputError, FileNotFoundError) as error:
            sentence = mendable(error) or str(error)
            for path, uri in named.items():
                sentence = sentence.replace(path, uri)
            raise type(error)(sentence) from error
    for option, path in _paths(options):
        if option in writes and is_url(uri_of(path)) and _leads():
            print(f"put to {uri_of(path)}")


def uri_of(path: Path) -> str:
    """The URI of a path, which may be a URL that was made a path: Path("s3://a/b") is s3:/a/b."""
    match = _URL.fullmatch(str(path))
    if match is None or match[1] == "file":
        return str(path)
    return f"{match[1]}://{match[2] or ''}"


def uris_of(options: Any) -> list[str]:
    """The URLs among the paths of the options, here or nested."""
    return [uri for _, path in _paths(options) if is_url(uri := uri_of(path))]


def _paths(options: Any) -> Iterator[tuple[str, Path]]:
    """All paths of the options, also nested ones, by the names of their options."""
    found: list[tuple[str, Path]] = []

    def note(option: str, path: Path) -> Path:
        found.append((option, path))
        return path

    _with_paths(options, note)
    yield from found


def _with_paths(options: Any, change: Callable[[str, Path], Path]) -> Any:
    """The options, a dataclass, with all paths changed, here or nested."""
    changed: dict[str, Any] = {}
    for option in fields(options):
        value, of = getattr(options, option.name), partial(change, option.name)
        if is_dataclass(value):
            changed[option.name] = _with_paths(value, change)
        elif isinstance(value, Path):
            changed[option.name] = of(value)
        elif isinstance(value, tuple) and any(isinstance(part, Path) for part in value):
            changed[option.name] = tuple(map(of, value))
    return replace(options, **changed)


def _read(uri: str, in_shares: bool) -> Path:
    try:
        if in_shares and _holds_clips(uri):
            return remote_folder(uri, PARTS)
        return kept_copy(uri, COPIES)
    except FileNotFoundError:
        raise FileNotFoundError(f"{uri}: there is no such file or folder") from None


def _holds_clips(uri: str) -> bool:
    """Whether each clip of a folder has an .npz of its own, as all formats of ours."""
    return any("/" not in name and name.endswith(".npz") for _, name, _ in find(uri, ("",)))


@contextmanager
def _written_to(uri: str) -> Iterator[Path]:
    """A local path in place of an output, beside the downloaded state of an unfinished run."""
    above, _, name = uri.rstrip("/").rpartition("/")
    if above.endswith(":/"):
        raise InputError(
            f"{uri}: names no file; add its name, as in {uri.rstrip('/')}/W.safetensors"
        )
    size_of(uri)  # says at once what cannot be reached
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        _fetch(join(above, f"{name}.*"), Path(folder))
        _fetch(join(above, f"{name}/**"), Path(folder) / name)
        if not _leads():
            yield Path(folder) / name
            return
        from common.mirror import mirrored  # noqa: PLC0415  few runs write to a URI

        with mirrored(Path(folder), above):
            yield Path(folder) / name


def _fetch(pattern: str, folder: Path) -> None:
    """Download what matches into a folder, with its own folders."""
    try:
        kept = find(pattern, ("",))
    except (FileNotFoundError, InputError):  # nothing is there
        return
    for found in kept:
        target = folder / found.name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_to(found.uri, target.parent)


def _leads() -> bool:
    from audio2mesh.training.distributed import leads  # noqa: PLC0415  brings torch

    return leads()
