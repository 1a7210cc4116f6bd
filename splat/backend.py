"""Which rasterizer draws: gsplat on CUDA, or ours on the CPU."""

from functools import cache
from typing import Literal

import torch

from common.device import Device
from common.errors import InputError

Backend = Literal["gsplat", "cpu"]


@cache
def choose_backend(device: Device = "auto") -> tuple[Backend, str]:
    """The backend for `device` and the reason for it in a few words; resolved once per process.

    Raises InputError if "cuda" is asked for and gsplat cannot draw there.
    """
    if device == "cpu":
        return "cpu", "the CPU was asked for"
    problem = _why_not_gsplat()
    if problem is None:
        return "gsplat", f"CUDA device {torch.cuda.get_device_name()}"
    if device == "cuda":
        raise InputError(f"cannot render on CUDA: {problem}; use the device cpu or auto instead")
    return "cpu", problem


def _why_not_gsplat() -> str | None:
    """What keeps gsplat from drawing here, or None.

    Tries one tiny image, since gsplat installs and imports without CUDA or its compiler.
    """
    if not torch.cuda.is_available():
        return "no CUDA device is available to PyTorch"
    from splat import cuda  # noqa: PLC0415  gsplat takes seconds to import

    try:
        cuda.draw_trial_image()
    except Exception as error:  # a missing or broken toolkit shows in many ways
        words = str(error).splitlines() or ["no message"]
        return f"gsplat does not work here ({type(error).__name__}: {words[0]})"
    return None
