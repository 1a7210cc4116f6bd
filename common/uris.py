"""Files by path or by URL: of this machine, or of whatever fsspec reaches (s3://, gs://, ..).

A URI here may be a plain path. Files that are put there appear whole or not at all: by
renaming on this machine, and elsewhere by the atomic writes of object stores.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from common.atomic import folder_beside, move_whole
from common.cache import cache_folder, locked
from common.claimed_folder import file_digest
from common.errors import InputError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

WILD = frozenset("*?[")
WEB = ("http://", "https://")


class Found(NamedTuple):
    uri: str
    name: str  # relative to the folder that was searched
    size: int  # bytes


def is_url(uri: str) -> bool:
    """Whether a URI is not on this machine; file:// is."""
    return "://" in uri and not uri.startswith(("file://", "local://"))


def local_path(uri: str) -> Path:
    """The path of a URI on this machine."""
    return Path(uri.partition("://")[2] if "://" in uri else uri)


def without_query(uri: str) -> str:
    """A URI on the web without what follows its ?, which signs it or lets it expire."""
    return uri.partition("?")[0] if uri.startswith(WEB) else uri


def name_of(uri: str) -> str:
    """The name of a file or folder, without those that it lies in."""
    return PurePosixPath(without_query(uri)).name


def join(uri: str, name: str) -> str:
    """The URI of a name in a folder."""
    return f"{uri.rstrip('/')}/{name}" if is_url(uri) else str(local_path(uri) / name)


def find(uri: str, suffixes: Iterable[str]) -> list[Found]:
    """A file, the files of a folder and of those in it, or what a pattern (*, ?, **) matches, that
    end in one of the suffixes; one file that is named need not. In the order of their names. An
    address on the web names one file.

    Raises FileNotFoundError or InputError where there is nothing.
    """
    endings = tuple(suffixes)
    with _store(uri) as (fs, path):
        wild = WILD & set(path) and not uri.startswith(WEB)
        if not wild and fs.isfile(path):
            return [Found(uri, name_of(path), fs.size(path) or 0)]
        if not wild and not fs.isdir(path):
            raise FileNotFoundError(f"{uri}: there is no such file or folder")
        infos: Any = fs.glob(path, detail=True) if wild else fs.find(path, detail=True)
    root = _above_wildcards(path) if wild else path.rstrip("/")
    found = [
        Found(
            fs.unstrip_protocol(name) if is_url(uri) else name,
            str(PurePosixPath(name).relative_to(root)),
            info["size"],
        )
        for name, info in sorted(infos.items())
        if info["type"] == "file" and name.lower().endswith(endings) and not _hidden(name, root)
    ]
    if not found:
        sought = ", ".join(filter(None, endings))
        lacks = f"holds none of {sought}" if sought else "holds no files"
        raise InputError(f"{uri}: {lacks}; check the path")
    return found


def fingerprint(uri: str) -> str:
    """An identifier of the content: the SHA-256 of a file's bytes or of a folder's files, or that
    of the store (S3: its ETag). Raises FileNotFoundError."""
    if uri.startswith(WEB):
        return _web_fingerprint(uri)
    if is_url(uri):
        with _store(uri) as (fs, path):
            if fs.isdir(path):
                files: Any = fs.find(path, detail=True)
                return hashlib.sha256(str(sorted(files.items())).encode()).hexdigest()
            return fs.ukey(path)
    path = local_path(uri)
    if path.is_dir():
        parts = sorted(part for part in path.rglob("*") if part.is_file())
        return hashlib.sha256("".join(map(_digest, parts)).encode()).hexdigest()
    return _digest(path)


def _web_fingerprint(uri: str) -> str:
    """By the stamp that the server gives, else by the content: fsspec's ukey is of the address."""
    with _store(uri) as (fs, path):
        info = fs.info(path)
        stamp = info.get("ETag") or info.get("Last-Modified") or fs.cat_file(path)
    return hashlib.sha256(f"{without_query(uri)} {info['size']} {stamp}".encode()).hexdigest()


def _digest(path: Path) -> str:
    stat = path.stat()
    return _digest_of(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)  # the avatar and the weights of many jobs
def _digest_of(path: Path, changed: int, size: int) -> str:
    return file_digest(path)


@contextmanager
def fetched(uri: str) -> Iterator[Path]:
    """The path of a file or folder, or of a copy as long as the block lasts. Raises
    FileNotFoundError."""
    if not is_url(uri):
        yield local_path(uri)
        return
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        yield copy_to(uri, Path(folder))


def copy_to(uri: str, folder: Path) -> Path:
    """Download a file or folder into a folder, under its own name."""
    copy = folder / name_of(uri)
    with _store(uri) as (fs, path):
        if not uri.startswith(WEB) and fs.isdir(path):
            fs.get(path, str(copy), recursive=True)
        else:
            fs.get_file(path, str(copy))
    return copy


def kept_copy(uri: str, of: str) -> Path:
    """The path of a download that stays in the cache, one for each content.

    of: the folder of the cache. Of several processes of a machine one downloads. Raises
    FileNotFoundError.
    """
    name = f"{of}/{hashlib.sha256(fingerprint(uri).encode()).hexdigest()[:32]}"
    kept = cache_folder() / name
    if not kept.is_dir():
        with locked(name):
            if not kept.is_dir():
                with folder_beside(kept) as partial:
                    copy_to(uri, partial)
    return next(kept.iterdir())


def put(file: Path, uri: str) -> None:
    """Move a file that is complete to a URI, where it replaces what was there; on this machine
    within one file system."""
    if is_url(uri):
        with _store(uri) as (fs, path):
            fs.put_file(str(file), path)
        file.unlink()
        return
    local_path(uri).parent.mkdir(parents=True, exist_ok=True)
    move_whole(file, local_path(uri))


def put_bytes(content: bytes, uri: str, scratch: Path) -> None:
    """Write a file, whole or not at all.

    scratch: a folder of the same file system, where what a killed process leaves is written over
    by the next.
    """
    if is_url(uri):
        with _store(uri) as (fs, path):
            fs.pipe_file(path, content)
        return
    scratch.mkdir(parents=True, exist_ok=True)
    partial = scratch / hashlib.sha256(uri.encode()).hexdigest()[:16]
    partial.write_bytes(content)
    put(partial, uri)


def get_bytes(uri: str) -> bytes | None:
    """The content of a file; None where there is none."""
    try:
        if is_url(uri):
            with _store(uri) as (fs, path):
                content = fs.cat_file(path)
            assert isinstance(content, bytes)
            return content
        return local_path(uri).read_bytes()
    except FileNotFoundError:
        return None


def size_of(uri: str) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        if is_url(uri):
            with _store(uri) as (fs, path):
                return fs.size(path)
        return local_path(uri).stat().st_size
    except FileNotFoundError:
        return None


def remove(uri: str) -> None:
    """Remove a file, if it is there."""
    if not is_url(uri):
        local_path(uri).unlink(missing_ok=True)
        return
    with _store(uri) as (fs, path):
        if fs.exists(path):
            fs.rm_file(path)


@contextmanager
def _store(uri: str) -> "Iterator[tuple[AbstractFileSystem, str]]":
    """The file system of a URI, and its path there.

    InputError that names the URI where no such system is installed, and for errors of
    credentials, permissions or the service inside the block.
    """
    from fsspec.core import url_to_fs  # noqa: PLC0415  paths do without

    try:
        options = {"use_listings_cache": False} if is_url(uri) else {}
        try:
            found = url_to_fs(uri, **options)
        except (ImportError, ValueError) as error:
            raise InputError(f"{uri}: cannot be reached: {_words(error)}") from None
        yield found
    except Exception as error:
        if isinstance(error, InputError | FileNotFoundError) or not is_url(uri):
            raise
        if isinstance(error, PermissionError):
            raise InputError(
                f"{uri}: access is denied ({_words(error)}); check the credentials for it and "
                "what they allow"
            ) from error
        if type(error).__module__ == "builtins" and not isinstance(error, OSError):
            raise  # a mistake of ours
        raise InputError(f"{uri}: cannot be reached: {_words(error)}") from error


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _above_wildcards(path: str) -> str:
    """The folder that all files matching a pattern lie in."""
    parts = path.split("/")
    first = next(i for i, part in enumerate(parts) if WILD & set(part))
    return "/".join(parts[:first])


def _hidden(name: str, root: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).relative_to(root).parts)
