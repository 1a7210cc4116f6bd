"""Which rasterizer draws: gsplat on CUDA, or ours on the CPU."""

import sys
from functools import cache
from typing import Literal, NamedTuple

import torch

from common.cache import locked
from common.device import Device, choose_device

Backend = Literal["gsplat", "cpu"]


class Drawing(NamedTuple):
    """A device, the backend that draws there, and why it is these, in a few words."""

    device: torch.device
    backend: Backend
    reason: str


@cache
def choose_backend(name: Device = "auto") -> Drawing:
    """Where and by what is drawn for a device's name; resolved once per process.

    Raises InputError if "cuda" is asked for and gsplat cannot draw there.
    """
    device, reason = choose_device(name, why_not_gsplat)
    return Drawing(device, "gsplat" if device.type == "cuda" else "cpu", reason)


def pick_backend(name: Device) -> Drawing:
    """The same, said in a line on stderr."""
    drawing = choose_backend(name)
    print(f"rasterizer: {drawing.backend} ({drawing.reason})", file=sys.stderr)
    return drawing


def why_not_gsplat() -> str | None:
    """What keeps gsplat from drawing on a CUDA device that PyTorch can use, or None.

    Tries one tiny image, since gsplat installs and imports without CUDA's compiler.
    """
    try:
        with locked("gsplat"):  # its first start empties the folder that it compiles in
            from splat import cuda  # noqa: PLC0415  takes seconds

            cuda.draw_trial_image()
    except Exception as error:  # a missing or broken toolkit shows in many ways
        words = str(error).splitlines() or ["no message"]
        return f"gsplat does not work here ({type(error).__name__}: {words[0]})"
    return None
