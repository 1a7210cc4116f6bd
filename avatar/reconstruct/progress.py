"""What is shown of a reconstruction: Gaussians, PSNR."""

import math
from collections.abc import Mapping

MEMORY = 0.95  # of the PSNR that is shown, at each reading


def readings(losses: Mapping[str, float]) -> dict[str, float]:
    """Curves of what a training step returns: its losses, and its error as PSNR in dB."""
    values = {f"loss/{name}": loss for name, loss in losses.items() if name != "error"}
    return {**values, "psnr/training": -10 * math.log10(max(losses["error"], 1e-10))}


def remembered(shown: Mapping[str, float], values: Mapping[str, float]) -> dict[str, float]:
    """What was shown with new values: the PSNR of training smoothed, all else as it is."""
    name = "psnr/training"
    smooth = MEMORY * shown.get(name, values[name]) + (1 - MEMORY) * values[name]
    return {**shown, **values, name: smooth}


def in_words(gaussians: int, shown: Mapping[str, float]) -> str:
    """The state of a run: how many Gaussians there are and their PSNR."""
    named = (("training", "psnr/training"), ("held-out", "psnr/held-out"))
    psnr = [f"{label} {shown[name]:.2f} dB" for label, name in named if name in shown]
    return ", ".join([f"{gaussians} Gaussians", *psnr])
