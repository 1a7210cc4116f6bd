"""Numba's kernels, cached on disk by the text of all sources that they depend on, and a notice when
one is compiled."""

import hashlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from threading import active_count
from typing import Any

from llvmlite import binding
from numba import config as numba_config
from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.event import Event, Listener, register
from numba.core.registry import cpu_target

from common.threads import available_threads

config: Any = numba_config  # its names are set at run time
OURS = frozenset({"audio2mesh", "avatar", "common", "splat"})
"""The packages whose kernels these are."""
_KERNEL: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}
_INNER: list[Any] = []
"""All functions of those modules that only kernels call."""
KERNELS: list[Any] = []
"""All kernels of the modules imported so far, without those that only kernels call."""


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with a disk cache, for functions at the top of a module.

    They release the GIL. A cache entry is valid for one processor and for the text of all files
    that the function depends on.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        _prepare()
        kernel: Any = njit(**_KERNEL | options)(function)
        if hasattr(kernel, "stats"):  # it is still a plain function under NUMBA_DISABLE_JIT
            kernel._cache = KernelCache(function)  # as its enable_caching() does with Numba's own
            KERNELS.append(kernel)
        return kernel

    return compiled


def plain_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit without a cache of its own: for functions that only kernels call."""
    _prepare()

    def compiled(function: Callable[..., Any]) -> Any:
        inner: Any = njit(**_KERNEL | options)(function)
        if hasattr(inner, "stats"):
            _INNER.append(inner)
        return inner

    return compiled


@cache
def _prepare() -> None:
    """Configure Numba's compiler, once."""
    _use_whole_registers()
    _load_numba()
    register("numba:compile", _Announcer())


def _load_numba() -> None:
    """Load Numba's typing and compiler, as the first kernel would, without SciPy's BLAS.

    That takes half as long again, only for faster inner products in np.correlate (`_HAVE_BLAS` in
    numba/np/arraymath.py).
    """
    context: Any = cpu_target.target_context
    blas = "scipy.linalg.cython_blas"
    hides = blas not in sys.modules
    if hides:
        sys.modules[blas] = None  # type: ignore[assignment]  # as if not installed
    try:
        context.refresh()
    finally:
        if hides:
            del sys.modules[blas]


def _use_whole_registers() -> None:
    """Let kernels use 512-bit registers where that does not slow the processor down.

    LLVM keeps to 256 bits since the first processors with AVX-512 ran slower in it. Those with
    AVX512_VBMI (from Ice Lake and Zen 4 on) do not. The user's settings stay.
    """
    features = binding.get_host_cpu_features()
    chosen = config.CPU_NAME is not None or config.CPU_FEATURES is not None
    if features.get("avx512vbmi") and not chosen:
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


LINE = "compiling for this processor, once (`voicesplat warm` does it beforehand) ..."
_IMPORT = re.compile(r"^(?:from +([\w.]+) +)?import +(\([^)]*\)|.*)", re.MULTILINE)


class _CacheFile(IndexDataCacheFile):
    """An index and its entries on the disk; an index that names types of an earlier version of the
    sources, which are gone, counts as empty."""

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except (AttributeError, ImportError):
            return {}


class KernelCache(FunctionCache):
    """Numba's disk cache of one function, keyed by argument types, processor and version, with two
    differences.

    Entries are stamped with the text of all imported files, not only the function's: constants,
    array layouts and inlined functions count. And where the folder beside the module cannot be
    written, as in an image made by another user, its entries are still read, unless
    NUMBA_CACHE_DIR names another folder.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        path = Path(function.__code__.co_filename)
        stamp = sources_hash(path, function.__module__)
        name, beside = self._impl.filename_base, str(path.parent / "__pycache__")
        self._cache_file = _CacheFile(self.cache_path, name, stamp)
        self._beside = None
        if beside != self.cache_path and not config.CACHE_DIR:
            self._beside = _CacheFile(beside, name, stamp)

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        found = self._find_overload(sig, target_context)
        if found is None and (wait := _HELPERS.pop(self._py_func, None)):
            wait()
            found = self._find_overload(sig, target_context)
        return found

    def _find_overload(self, sig: Any, target_context: Any) -> Any:
        found = super()._load_overload(sig, target_context)
        if found is None and self._beside:
            data = self._beside.load(self._index_key(sig, target_context.codegen()))
            found = data and self._impl.rebuild(target_context, data)
        return found


_HELPERS: dict[Callable[..., Any], Callable[[], object]] = {}
"""What waits for the processes that compile, by the function of each kernel that they will leave
on the disk."""
PATIENCE = 120.0  # seconds


def compile_beside(work: Callable[[], object], *kernels: Any) -> None:
    """Let another process do a work that needs these kernels, unless they are on the disk or one
    does already: whoever calls one then waits for it, and compiles only what it did not.

    work: at the top of a module, quick to import. Numba compiles with one thread of a process.
    """
    jitted = all(hasattr(kernel, "stats") for kernel in kernels)  # not under NUMBA_DISABLE_JIT
    if not jitted or available_threads() == 1 or all(map(is_compiled, kernels)):
        return
    if any(kernel.py_func in _HELPERS for kernel in kernels):
        return
    _say()
    forks = sys.platform == "linux" and "torch" not in sys.modules and active_count() == 1
    with suppress(OSError):
        helper = _forked(work) if forks else _spawned(work)
        _HELPERS.update((kernel.py_func, helper) for kernel in kernels)


def _forked(work: Callable[[], object]) -> Callable[[], object]:
    """Begin the work in a copy of this process, before it has threads, which a copy would lack.
    Returns what waits for it."""
    helper = get_context("fork").Process(target=_quietly, args=(work,), daemon=True)
    helper.start()
    return lambda: helper.join(PATIENCE)


def _quietly(work: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for inner in _INNER:  # nothing of Python calls them here; that takes a tenth less time
        inner.targetoptions["no_cpython_wrapper"] = True
    with suppress(Exception):  # whoever calls the kernel says what is wrong with it
        work()


def _spawned(work: Callable[[], object]) -> Callable[[], object]:
    """The same in a new process."""
    code = f"import gc, sys; gc.disable(); sys.path[:] = {sys.path!r}; "
    code += f"from {work.__module__} import {work.__name__}; {work.__name__}()"
    none = subprocess.DEVNULL
    helper = subprocess.Popen([sys.executable, "-c", code], stdin=none, stdout=none, stderr=none)

    def wait() -> None:
        with suppress(subprocess.TimeoutExpired):
            helper.wait(PATIENCE)

    return wait


def is_compiled(kernel: Any) -> bool:
    """Whether the disk holds a kernel of `KERNELS`, compiled for this processor and its sources."""
    context: Any = cpu_target.target_context
    here = context.codegen().magic_tuple()
    files = (kernel._cache._cache_file, kernel._cache._beside)
    return any(key[1] == here for file in files if file for key in file._load_index())


def sources_hash(path: Path, module: str) -> str:
    """A hash of the text of all `sources`, independent of the checkout's path."""
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


@cache
def _say() -> None:
    print(LINE, file=sys.stderr, flush=True)


class _Announcer(Listener):
    """Says on stderr, once, that a kernel of ours is compiled, which takes a while; those that come
    from the disk cache fire no event."""

    def on_start(self, event: Event) -> None:
        kernel = getattr((event.data or {}).get("dispatcher"), "py_func", None)
        if kernel and kernel.__module__.partition(".")[0] in OURS:
            _say()

    def on_end(self, event: Event) -> None:
        pass
