"""Numba's kernels on the disk: compiled once, and never run when they are outdated."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from common.cache import cache_folder, locked

OURS = frozenset({"audio2mesh", "avatar", "common", "splat"})
"""The packages whose kernels these are."""
KERNELS: list[Any] = []
"""All kernels of the modules that are imported so far, but those that only kernels call."""


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with a disk cache, for functions at the top of a module.

    They let other Python threads run meanwhile. What is kept is valid for one processor and for the
    text of all files that the function depends on; see `common.kernel_cache`.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        kernel = plain_njit(**{"nogil": True, **options})(function)
        if hasattr(kernel, "stats"):  # it is still a plain function under NUMBA_DISABLE_JIT
            from common.kernel_cache import KernelCache  # noqa: PLC0415  brings numba

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
    from common.kernel_cache import announce_compilation  # noqa: PLC0415  brings numba

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
