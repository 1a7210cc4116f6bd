"""The options of bench."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError


@dataclass(frozen=True)
class BenchOptions:
    """Measure at 512x512 pixels, on the CPU."""

    what: Literal["raster", "audio2mesh", "drive", "serve", "all"] = "all"
    """The rasterizer by itself, audio to vertex offsets, the whole drive by stage, a server's
    sessions (Linux only), or all."""
    seconds: tuple[float, ...] = (10.0, 600.0)
    """Audio to vertex offsets and drive: lengths of the recording."""
    clients: tuple[int, ...] = (1, 10)
    """Serve: numbers of clients that all speak at once, for a minute."""
    avatar: Path = DEMO_AVATAR
    """Drive and serve: the avatar."""
    audio: Path = DEMO_VOICE
    """Audio to vertex offsets, drive and serve: the voice, repeated to each length."""


def check_bench(options: BenchOptions) -> None:
    """Raise InputError or FileNotFoundError for what cannot be measured."""
    for value in options.seconds:
        if not 0 < value < math.inf:
            raise InputError(f"--seconds {value:g}: must be above 0")
    for value in options.clients:
        if value < 1:
            raise InputError(f"--clients {value}: must be at least 1")
    for path in (options.avatar, options.audio):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
