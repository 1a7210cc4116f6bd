"""A device that every machine has: the CPU under another name.

Its tensors say that they are on `OTHER`, hold their numbers on the CPU, and refuse, as a GPU does,
to be mixed with tensors of the CPU. What runs there and gives the CPU's numbers makes every tensor
where it is needed. (PyTorch's `meta` device lends its name, as it needs no hardware.)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

OTHER = torch.device("meta")


MAY_MIX = ("copy_", "_to_copy", "index", "index_put", "index_put_", "_index_put_impl_")
"""What CUDA does with tensors of two devices: copies and indices; and all with single numbers."""


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
            device=OTHER,
            requires_grad=inner.requires_grad,
        )
        made.inner = inner
        return made

    def __repr__(self, **_: Any) -> str:
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Factories(TorchDispatchMode):
    """Makes new tensors on `OTHER` where they are asked for there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _OutOfSight(TorchFunctionMode):
    """The same for what PyTorch's dispatcher does not see: data from Python and back, and the
    lengths inside the CTC loss, which may come from the CPU."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.tensor and torch.device(kwargs.get("device") or "cpu") == OTHER:
            return Elsewhere(func(*args, **{**kwargs, "device": "cpu"}))
        if func is Tensor.__getitem__ and isinstance(args[1], list):
            return func(args[0], torch.tensor(args[1]))
        if func is Tensor.tolist:
            return on_cpu(args[0]).tolist()
        if func is functional.ctc_loss and isinstance(args[0], Elsewhere):
            assert isinstance(args[1], Elsewhere), "CTC: targets on another device"
            return func(args[0].cpu(), args[1].cpu(), *args[2:], **kwargs).to(OTHER)
        return func(*args, **kwargs)


@contextmanager
def other_device() -> Iterator[torch.device]:
    """The device, while the block runs."""
    with _OutOfSight(), _Factories(), sdpa_kernel(SDPBackend.MATH):
        yield OTHER


def on_cpu(tensor: Tensor) -> Tensor:
    """The numbers of a tensor."""
    return tensor.inner if isinstance(tensor, Elsewhere) else tensor


def _run(func, args, kwargs):
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Elsewhere)]
    name = func.overloadpacket.__name__
    if there and name not in MAY_MIX:
        for tensor in tensors:
            if tensor.ndim and not isinstance(tensor, Elsewhere):
                raise RuntimeError(f"{name}: expected all tensors to be on one device")
    asked = kwargs.get("device")
    plain_args, plain = tree_map(_plain, (args, kwargs))
    if asked is not None:
        plain["device"] = torch.device("cpu")
    result = func(*plain_args, **plain)
    if name.endswith("_"):  # in place; of lists nothing is returned
        return args[0] if isinstance(args[0], Tensor) else None
    goes_there = torch.device(asked) == OTHER if asked is not None else bool(there)
    return tree_map(_elsewhere, result) if goes_there else result


def _plain(value: Any) -> Any:
    return value.inner if isinstance(value, Elsewhere) else value


def _elsewhere(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, Tensor) else value
