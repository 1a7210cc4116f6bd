"""What is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.errors import InputError


@dataclass(frozen=True)
class BenchOptions:
    """Measure at 512x512 pixels, on the CPU."""

    what: Literal[
        "raster", "audio2mesh", "prosody", "drive", "light", "contention", "vision", "serve", "all"
    ] = "all"
    """The rasterizer by itself, audio to vertex offsets, the voice's prosody, the whole drive by
    stage, drives in a light and without, several drives at once, the networks that look at faces,
    a server's sessions (Linux only), or all."""
    gaussians: tuple[int, ...] = (20_000, 50_000, 100_000)
    """Rasterizer: numbers of Gaussians."""
    sh_degrees: tuple[int, ...] = (0, 3)
    """Rasterizer: degrees of the spherical harmonics, 0 to 3."""
    repeats: int = 15
    """Rasterizer and face networks: frames per figure; the naive rasterizer gets a fifth of them,
    the oracle one."""
    oracle: bool = True
    """Rasterizer: also run the torch oracle at the first SH degree (seconds to minutes)."""
    minutes: tuple[float, ...] = (1.0, 60.0)
    """Audio to vertex offsets and prosody: lengths of the recording in minutes."""
    live_seconds: float = 60.0
    """Audio to vertex offsets: length of the live speech in seconds."""
    seconds: tuple[float, ...] = (10.0, 600.0)
    """Drive: lengths of the recording in seconds."""
    programs: tuple[int, ...] = (1, 2, 4)
    """Contention: numbers of drives at once."""
    contention_seconds: float = 12.0
    """Contention and light: length of the recording in seconds."""
    clients: tuple[int, ...] = (1, 10)
    """Serve: numbers of clients that all speak at once."""
    serve_seconds: float = 60.0
    """Serve: for how long, in seconds."""
    avatar: Path = DEMO_AVATAR
    """Drive, contention and serve: the avatar."""
    audio: Path = DEMO_VOICE
    """Audio to vertex offsets, drive, contention and serve: the voice, repeated to each length."""


def check_bench(options: BenchOptions) -> None:
    """Raise InputError or FileNotFoundError for what cannot be measured."""
    for name in ("gaussians", "programs", "repeats", "clients"):
        _check(options, name, lambda value: value >= 1, "at least 1")
    for name in ("minutes", "live_seconds", "seconds", "contention_seconds", "serve_seconds"):
        _check(options, name, lambda value: 0 < value < math.inf, "above 0")
    _check(options, "sh_degrees", lambda value: 0 <= value <= 3, "from 0 to 3")
    for path in (options.avatar, options.audio):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")


def _check(options: BenchOptions, name: str, fine: Callable[[float], bool], must: str) -> None:
    given = getattr(options, name)
    for value in given if isinstance(given, tuple) else (given,):
        if not fine(value):
            raise InputError(f"--{name.replace('_', '-')} {value:g}: must be {must}")
