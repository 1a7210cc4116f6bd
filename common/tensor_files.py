"""Named tensors on disk: safetensors files with metadata."""

from pathlib import Path
from typing import TYPE_CHECKING

from common.atomic import write_beside
from common.errors import InputError, check_file

if TYPE_CHECKING:
    from torch import Tensor


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
