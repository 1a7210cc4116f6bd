"""Numba's kernels on the disk: compiled once, and never run when they are outdated.

Where a compiled kernel is kept, of which sources it is, and saying that one is compiled.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numba import config as module
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.event import Event, Listener, register

from common.cache import cache_folder, locked

OURS = frozenset({"audio2mesh", "avatar", "common", "splat"})
"""The packages whose kernels these are."""
KERNELS: list[Any] = []
"""All kernels of the modules that are imported so far, but those that only kernels call."""


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with a disk cache, for functions at the top of a module.

    They let other Python threads run meanwhile. What is kept is valid for one processor and for the
    text of all files that the function depends on; see `common.kernels`.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        kernel = plain_njit(**{"nogil": True, **options})(function)
        if hasattr(kernel, "stats"):  # it is still a plain function under NUMBA_DISABLE_JIT
            kernel._cache = KernelCache(function)  # as its enable_caching() does with Numba's own
            KERNELS.append(kernel)
        return kernel

    return compiled


def plain_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit without a cache of its own: for functions that only kernels call."""
    from numba import njit  # noqa: PLC0415  takes a second

    _prepare()
    return njit(**options)


@cache
def _prepare() -> None:
    """Have Numba compile as we want it, and tell of it."""

    _use_whole_registers()
    _load_numba()
    announce_compilation()


def _load_numba() -> None:
    """Load all that Numba types and compiles with, which the first kernel would do, but not SciPy's
    BLAS.

    That takes half as long again, only to make inner products of np.correlate faster
    (`_HAVE_BLAS` in numba/np/arraymath.py). Whatever else needs it loads it when it is used.
    """
    from numba.core.registry import cpu_target  # noqa: PLC0415  as above

    context: Any = cpu_target.target_context
    blas = "scipy.linalg.cython_blas"
    hides = blas not in sys.modules
    if hides:
        sys.modules[blas] = None  # type: ignore[assignment]  # says that there is none
    try:
        context.refresh()
    finally:
        if hides:
            del sys.modules[blas]


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
    with locked("compiled"):
        if stamp.exists():
            yield False
            return
        yield True
        folder.mkdir(parents=True, exist_ok=True)
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


config: Any = module  # its names are set at run time
LINE = "compiling for this processor, once (`voicesplat warm` does it beforehand) ..."
_IMPORT = re.compile(r"^(?:from +([\w.]+) +)?import +(\([^)]*\)|.*)", re.MULTILINE)


class KernelCache(FunctionCache):
    """Numba's disk cache of one function, whose entries Numba tells apart by argument types,
    processor and version, with two differences.

    Numba stamps them by the file of the function; here the text of all files that it imports counts
    as well: constants, the layout of an array and functions that are inlined. And where the folder
    beside the module cannot be written, as in an image that was made by another user, what is kept
    there is still read, unless NUMBA_CACHE_DIR names another one.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        path = Path(function.__code__.co_filename)
        stamp = sources_hash(path, function.__module__)
        name, beside = self._impl.filename_base, str(path.parent / "__pycache__")
        self._cache_file = IndexDataCacheFile(self.cache_path, name, stamp)
        self._beside = None
        if beside != self.cache_path and not config.CACHE_DIR:
            self._beside = IndexDataCacheFile(beside, name, stamp)

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super()._load_overload(sig, target_context)
        if found is None and self._beside:
            data = self._beside.load(self._index_key(sig, target_context.codegen()))
            found = data and self._impl.rebuild(target_context, data)
        return found


def sources_hash(path: Path, module: str) -> str:
    """A hash of the text of all `sources`, wherever they lie."""
    root = path.parents[module.count(".")]
    digest = hashlib.sha256()
    for source in sorted(sources(path, module)):
        digest.update(f"{source.relative_to(root)}\0".encode() + _text_hash(source))
    return digest.hexdigest()


def sources(path: Path, module: str) -> set[Path]:
    """The file of a module and all files of ours that it imports, directly or not."""
    root = path.parents[module.count(".")]
    packages = OURS | {module.partition(".")[0]}
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        if (path := waiting.pop()) not in found:
            found.add(path)
            waiting += _imported(path, root, packages)
    return found


@cache
def _text_hash(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


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


class _Announcer(Listener):
    """Prints at the first compilation; kernels that come from the disk cache fire no event."""

    said = False

    def on_start(self, event: Event) -> None:
        told = event.data or {}
        kernel = getattr(told.get("dispatcher"), "py_func", None)
        if not self.said and kernel and kernel.__module__.partition(".")[0] in OURS:
            self.said = True
            print(LINE, file=sys.stderr, flush=True)

    def on_end(self, event: Event) -> None:
        pass


def announce_compilation() -> None:
    """Print one line on stderr when the first kernel of ours is compiled from now on, which is what
    a first start waits for."""
    register("numba:compile", _Announcer())
