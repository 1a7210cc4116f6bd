"""Named tensors on disk, with metadata, and networks: safetensors files."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

from common.atomic import write_beside
from common.errors import InputError, check_file
from common.json_files import parse_json

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    Network = TypeVar("Network", bound=Module)

DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What building a network from a damaged description may raise."""


def save_network(net: "Module", path: Path, form: str, **facts: Any) -> None:
    """Write a network and, as metadata, its format and other facts: text, or data as JSON."""
    metadata = {name: v if isinstance(v, str) else json.dumps(v) for name, v in facts.items()}
    tensors = {
        name: (t.half() if t.is_floating_point() else t).cpu().contiguous()
        for name, t in net.state_dict().items()
    }
    write_tensors(tensors, path, {"format": form, **metadata})


def load_network(
    path: Path,
    form: str,
    what: str,
    build: "Callable[[Mapping[str, str], Mapping[str, Tensor]], Network]",
    former: Collection[str] = (),
) -> "Network":
    """A network that `save_network` wrote, in float32, ready for use.

    form: the format that the file must have; what: what a file of it holds, in words; build: makes
    the network from metadata and tensors; former: tensors that older files hold besides.
    FileNotFoundError if there is no such file; InputError if it is of another format, or its parts
    are missing, do not fit together or are more than its description has.
    """
    tensors, metadata = read_tensors(path)
    if (found := metadata.get("format")) != form:
        raise InputError(f"{path}: holds no {what}; its format is {found!r}, not {form!r}")
    try:
        with _no_larger_than(tensors):
            net = build(metadata, tensors)
    except KeyError as error:
        raise InputError(f"{path}: the {what} is damaged, it lacks {error}") from error
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: the {what} is damaged ({reason})") from error
    _check_shapes(path, net, tensors)
    if unknown := tensors.keys() - net.state_dict().keys() - set(former):
        raise InputError(f"{path}: holds a tensor {min(unknown)!r} that is not described")
    net.load_state_dict({name: tensors[name] for name in net.state_dict()})
    return net.float().eval()


def training_record(path: Path) -> dict[str, Any]:
    """What a network's file says of its own training. InputError where it says nothing."""
    metadata = read_tensors(path)[1]
    if "training" not in metadata:
        raise InputError(f"{path}: does not say how it was trained")
    return parse_json(metadata["training"], f"{path}, its record of training")


@contextmanager
def _no_larger_than(tensors: "Mapping[str, Tensor]") -> Iterator[None]:
    """Raise InputError inside the block as soon as networks made there have more parameters, or
    more numbers in them, than twice the tensors: some are replaced while a network is made."""
    from torch.nn.modules.module import (  # noqa: PLC0415  brings torch
        register_module_parameter_registration_hook,
    )

    thread, left = get_ident(), 2 * len(tensors)
    numbers_left = 2 * sum(tensor.numel() for tensor in tensors.values())

    def count(module: "Module", name: str, parameter: "Tensor") -> None:
        nonlocal left, numbers_left
        if get_ident() == thread:
            left -= 1
            numbers_left -= parameter.numel()
            if min(left, numbers_left) < 0:
                raise InputError("it is described as larger than the file")

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _check_shapes(path: Path, net: "Module", tensors: "Mapping[str, Tensor]") -> None:
    for name, wanted in net.state_dict().items():
        if name not in tensors:
            raise InputError(f"{path}: tensor {name!r} is missing")
        if tensors[name].shape != wanted.shape:
            shapes = f"{tuple(tensors[name].shape)}, expected {tuple(wanted.shape)}"
            raise InputError(f"{path}: tensor {name!r} is {shapes}")


def write_tensors(tensors: dict[str, "Tensor"], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file; it appears whole or not at all."""
    from safetensors.torch import save  # noqa: PLC0415  brings torch

    with write_beside(path) as partial:
        partial.write_bytes(save(tensors, metadata))  # save_file lets nobody else read the file


def read_tensors(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Tensors and metadata of a safetensors file; InputError if it is none."""
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415  brings torch

    check_file(path, "weights file")
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error
