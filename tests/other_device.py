"""A CUDA device that every machine has: the CPU under another name.

Its tensors say that they are on `OTHER`, hold their numbers on the CPU, and refuse, as a GPU does,
to be mixed with tensors of the CPU. What runs there and gives the CPU's numbers makes every tensor
where it is needed. Wherever the host would wait for the device, the place in our code is noted.
(Inside PyTorch they are of its `meta` device, as a build for the CPU knows no CUDA; all that Python
sees is CUDA. PyTorch's own FakeTensorMode has no numbers, so what depends on them ends there.)
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib import import_module
from typing import Any
from unittest.mock import patch

import torch
from support import ROOT
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

OTHER = torch.device("cuda", 0)
CPU = torch.device("cpu")
MAY_MIX = ("copy_", "_to_copy", "index", "index_put", "index_put_", "_index_put_impl_")
"""What CUDA does with tensors of two devices: copies and indices; and all with single numbers."""
WAITS = (
    *("_local_scalar_dense", "equal", "nonzero", "masked_select", "bincount"),
    *("_unique2", "unique_dim", "unique_consecutive"),
    *("linalg_inv_ex", "linalg_cholesky_ex", "linalg_solve_ex", "_linalg_solve_ex"),
    *("_linalg_svd", "_linalg_eigh", "linalg_lstsq"),
)
"""What tells the host a number or a shape, or looks for errors, before it goes on."""


class Elsewhere(Tensor):
    """A tensor on `OTHER`."""

    inner: Tensor  # on the CPU

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Elsewhere":
        made = Tensor._make_wrapper_subclass(  # pyright: ignore[reportAttributeAccessIssue]
            cls,
            inner.shape,
            inner.stride(),
            inner.storage_offset(),
            dtype=inner.dtype,
            device=torch.device("meta"),
            requires_grad=inner.requires_grad,
        )
        made.inner = inner
        return made

    device = property(lambda self: OTHER)  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # type: ignore[assignment]

    def __repr__(self, **_: Any) -> str:
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """Makes new tensors on `OTHER` where they are asked for there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


parse_to: Any = torch._C._nn._parse_to  # type: ignore[attr-defined]


class _OutOfSight(TorchFunctionMode):
    """The same for what PyTorch's dispatcher does not see: data from Python and back, pinned
    memory, and the lengths inside the CTC loss, which may come from the CPU."""

    def __torch_function__(self, func, types, args: Any = (), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor) and _there(kwargs.get("device")):
            note_wait(func.__name__)
            return Elsewhere(func(*args, **{**kwargs, "device": "cpu"}))
        if func is Tensor.to:
            args = tuple(OTHER if _is_cuda(arg) else arg for arg in args)
        if func is Tensor.to and isinstance(args[0], Elsewhere):
            device, dtype, *_ = parse_to(*args[1:], **kwargs)
            if _there(device):
                return args[0] if dtype is None else func(args[0], dtype)
        if func is Tensor.new_tensor and isinstance(args[0], Elsewhere):
            note_wait("new_tensor")
            return Elsewhere(args[0].inner.new_tensor(*args[1:], **kwargs))
        if func is Tensor.__getitem__ and isinstance(args[1], list):
            return func(args[0], torch.tensor(args[1]))
        if func is Tensor.tolist and isinstance(args[0], Elsewhere):
            note_wait("tolist")
            return args[0].inner.tolist()
        if func is functional.ctc_loss and isinstance(args[0], Elsewhere):
            assert isinstance(args[1], Elsewhere), "CTC: targets on another device"
            return func(args[0].cpu(), args[1].cpu(), *args[2:], **kwargs).to(OTHER)
        kwargs.pop("pin_memory", None)
        return func(*args, **kwargs)


class Event:
    """An event of `OTHER`, which has always finished."""

    def __init__(self, **_: Any) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        note_wait("event")

    def elapsed_time(self, other: "Event") -> float:
        return 1000 * (other.at - self.at)


_waits: list[str] = []
_CUDA = {
    "_lazy_init": lambda: None,
    "is_available": lambda: True,
    "is_current_stream_capturing": lambda: False,
    "device_count": lambda: 1,
    "get_device_name": lambda index=0: "pretended",
    "get_device_capability": lambda index=0: (9, 0),
    "mem_get_info": lambda device=None: (2**34, 2**34),
    "synchronize": lambda device=None: note_wait("synchronize"),
    "device": lambda device: nullcontext(),
    "Event": Event,
}


@contextmanager
def other_device() -> Iterator[torch.device]:
    """The device, while the block runs, in this thread and those that begin in it. It computes in
    the precision of its tensors, also under autocast."""
    import_module("torch._dynamo")  # which torch imports when it needs it, and which asks for CUDA
    run = threading.Thread.run

    def run_there(thread: threading.Thread) -> None:
        with _modes():
            run(thread)

    with ExitStack() as held:
        held.enter_context(patch.multiple(torch.cuda, **_CUDA))
        held.enter_context(patch("torch.accelerator.current_accelerator", lambda *_, **__: None))
        held.enter_context(patch.object(torch, "autocast", lambda *_, **__: nullcontext()))
        held.enter_context(patch.object(threading.Thread, "run", run_there))
        held.enter_context(_modes())
        yield OTHER


@contextmanager
def _modes() -> Iterator[None]:
    with _OutOfSight(), _Factories(), sdpa_kernel(SDPBackend.MATH):
        yield


@contextmanager
def host_waits() -> Iterator[list[str]]:
    """What the host waited for in the block: operation, file and line of our code, each time."""
    begin, found = len(_waits), []
    yield found
    found.extend(_waits[begin:])


def note_wait(name: str) -> None:
    frame: Any = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(str(ROOT)) and "/tests/" not in path:
            _waits.append(f"{name} {path.removeprefix(f'{ROOT}/')}:{frame.f_lineno}")
            return
        frame = frame.f_back
    _waits.append(name)


def on_cpu(tensor: Tensor) -> Tensor:
    """The numbers of a tensor."""
    return tensor.inner if isinstance(tensor, Elsewhere) else tensor


def _is_cuda(given: Any) -> bool:
    return isinstance(given, str | torch.device) and torch.device(given).type == "cuda"


def _there(device: Any) -> bool:
    return device is not None and torch.device(device).type in ("cuda", "meta")


def _run(func, args, kwargs):
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    name = func.overloadpacket.__name__
    if there and name not in MAY_MIX:
        for tensor in tensors:
            if tensor.ndim and not isinstance(tensor, Elsewhere):
                raise RuntimeError(f"{name}: expected all tensors to be on one device")
    asked = kwargs.get("device")
    if _makes_wait(name, args, kwargs, tensors, len(there)):
        note_wait(name)
    plain_args, plain = tree_map(_plain, (args, kwargs))
    if asked is not None:
        plain["device"] = CPU
    result = func(*plain_args, **plain)
    if name.endswith("_") and not name.startswith("__"):  # in place; of lists nothing is returned
        return args[0] if isinstance(args[0], Tensor) else None
    goes_there = _there(asked) if asked is not None else bool(there)
    return tree_map(_elsewhere, result) if goes_there else result


def _makes_wait(name: str, args: Any, kwargs: Any, tensors: list[Tensor], there: int) -> bool:
    if name in ("_to_copy", "copy_"):
        asynchronous = kwargs.get("non_blocking") or (name == "copy_" and args[2:] == (True,))
        target = args[0] if name == "copy_" else None
        goes = isinstance(target, Elsewhere) if target is not None else _there(kwargs.get("device"))
        comes = isinstance(tensors[-1], Elsewhere)
        moves = target is not None or kwargs.get("device") is not None
        return moves and comes != goes and not asynchronous
    if not there:
        return False
    if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
        indices = [index for index in args[1] if index is not None]
        return any(index.dtype == torch.bool or not index.is_cuda for index in indices)
    if name == "repeat_interleave":
        return kwargs.get("output_size") is None
    return name in WAITS


def _plain(value: Any) -> Any:
    return value.inner if isinstance(value, Elsewhere) else value


def _elsewhere(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, Tensor) else value
