"""Training on several processes, as torchrun starts them; one process is the ordinary case."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from common.errors import InputError

_PATIENCE = timedelta(hours=6)  # one process may encode while the others wait


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started, if it did and they have not joined, and leave them
    at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def local_rank() -> int:
    """Number of this process among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def own_part(batch: int) -> slice:
    """This process's windows of a batch that all processes draw alike. InputError where it does
    not divide among them."""
    if batch % world_size():
        raise InputError(
            f"a batch of {batch} windows cannot be shared evenly by {world_size()}"
            " processes; choose a multiple"
        )
    share = batch // world_size()
    return slice(rank() * share, (rank() + 1) * share)


def leads() -> bool:
    """Whether this is the process that tells what was done; of several that torchrun started the
    first one."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def first_before_others() -> Iterator[None]:
    """Let the first process do something before the others, which then find it done."""
    if rank() > 0:
        distributed.barrier()
    yield
    if rank() == 0 and world_size() > 1:
        distributed.barrier()


def check_alone(what: str) -> None:
    """Raise InputError where torchrun started several processes of what one process does."""
    if (count := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        raise InputError(f"{what} is the work of one process, not of {count}; start no torchrun")


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over all processes."""
    _average([parameter.grad for parameter in parameters if parameter.grad is not None])


def average_running_statistics(net: nn.Module) -> None:
    """The same for what batch normalisation has seen, each process of its own windows."""
    named = net.named_buffers()
    _average([buffer for name, buffer in named if name.endswith((".running_mean", ".running_var"))])


def _average(tensors: Sequence[Tensor]) -> None:
    if world_size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= world_size()
    for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def take_from_first(tensors: Iterable[Tensor]) -> None:
    """Give the tensors of every process the values that they have in the first."""
    if world_size() > 1:
        for tensor in tensors:
            distributed.broadcast(tensor, 0)
