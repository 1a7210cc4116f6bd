"""Which device computes."""

from typing import TYPE_CHECKING, Literal

from common.errors import InputError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]


def pick_device(name: Device, index: int = 0) -> "torch.device":
    """The device of a name; of several CUDA devices the one of `index`.

    Raises InputError if CUDA is asked for and absent.
    """
    import torch  # noqa: PLC0415  takes seconds

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda was asked for, but this machine has no usable CUDA device")
    return torch.device(name, index) if name == "cuda" else torch.device(name)
