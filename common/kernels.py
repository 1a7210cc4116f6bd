"""Numba's kernels on the disk: compiled once, and never run when they are outdated."""

import fcntl
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from common.cache import cache_folder

OURS = frozenset({"audio2mesh", "avatar", "common", "splat"})
_IMPORT = re.compile(r"^(?:from +([\w.]+) +)?import +(\([^)]*\)|.*)", re.MULTILINE)


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with its disk cache, for functions at the top of a module.

    They let other Python threads run meanwhile.
    Numba only looks at the file of the function itself, not at what it imports: constants, the
    layout of an array and functions that are inlined. Here a newer file of any of these counts too.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        kernel = plain_njit(cache=True, **{"nogil": True, **options})(function)
        if hasattr(kernel, "stats"):  # it is still a plain function under NUMBA_DISABLE_JIT
            _drop_if_outdated(kernel, function)
        return kernel

    return compiled


def plain_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit without a cache of its own: for functions that only kernels call."""
    from numba import njit  # noqa: PLC0415  takes a second

    _use_whole_registers()
    return njit(**options)


@cache
def _use_whole_registers() -> None:
    """Let kernels use 512-bit registers where that costs the processor no speed.

    LLVM keeps to 256 bits, since the first processors with AVX-512 ran slower in it. Those that
    know AVX512_VBMI too (from Ice Lake and Zen 4 on) do not. What the user has set stays.
    """
    from llvmlite import binding  # noqa: PLC0415  as above
    from numba import config as module  # noqa: PLC0415

    config: Any = module  # its names are set at run time
    features = binding.get_host_cpu_features()
    chosen = config.CPU_NAME is not None or config.CPU_FEATURES is not None
    if features.get("avx512vbmi") and not chosen:
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


@contextmanager
def compiled_by_one(what: str) -> Iterator[bool]:
    """Let one process of this machine compile the kernels of something while the others wait:
    yields whether this is the one, which then does what it takes."""
    folder = cache_folder() / "compiled"
    stamp = folder / f"{_state()}-{what}"
    if stamp.exists():
        yield False
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            yield False
            return
        yield True
        stamp.touch()


@cache
def _state() -> str:
    """A hash of what compiled kernels depend on: our sources, Numba and the processor."""
    import numba  # noqa: PLC0415  takes a second
    from llvmlite import binding  # noqa: PLC0415

    root = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{root} {numba.__version__} {binding.get_host_cpu_name()}".encode())
    for source in sorted(path for name in OURS for path in (root / name).rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _drop_if_outdated(kernel: Any, function: Callable[..., Any]) -> None:
    """Delete the index of a kernel in the disk cache if it is older than one of its sources."""
    path = Path(function.__code__.co_filename)
    newest = max(source.stat().st_mtime for source in sources(path, function.__module__))
    for index in Path(kernel.stats.cache_path).glob(f"{path.stem}.{function.__qualname__}-*.nbi"):
        with suppress(OSError):  # another process was faster, or the folder is read-only
            if index.stat().st_mtime < newest:
                index.unlink()


def sources(path: Path, module: str) -> set[Path]:
    """The file of a module and all files of ours that it imports, directly or not."""
    parts = module.split(".")
    root = path.parents[len(parts) - 1]
    packages = OURS | {parts[0]}
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        if (path := waiting.pop()) not in found:
            found.add(path)
            waiting += _imported(path, root, packages)
    return found


@cache
def _imported(path: Path, root: Path, packages: frozenset[str]) -> list[Path]:
    """Files under root of the modules in these packages that a file imports at its top level."""
    text = path.read_text(encoding="utf-8")
    found = (_file_of(name, root) for name in _names(text) if name.split(".")[0] in packages)
    return [file for file in found if file]


def _names(source: str) -> Iterator[str]:
    """Whatever may be the name of an imported module."""
    for origin, words in _IMPORT.findall(source):
        if origin:
            yield origin
        for word in re.findall(r"[\w.]+", words):
            yield f"{origin}.{word}" if origin else word


def _file_of(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)
