"""What is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.assets import DEMO_AVATAR, DEMO_VOICE


@dataclass(frozen=True)
class BenchOptions:
    """Measure at 512x512 pixels, on the CPU."""

    what: Literal["raster", "audio2mesh", "drive", "contention", "vision", "all"] = "all"
    """The rasterizer by itself, audio to vertex offsets, the whole drive by stage, several drives
    at once, the networks that look at faces, or all."""
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
    """Audio to vertex offsets: lengths of the recording in minutes."""
    live_seconds: float = 60.0
    """Audio to vertex offsets: length of the live speech in seconds."""
    seconds: tuple[float, ...] = (10.0, 600.0)
    """Drive: lengths of the recording in seconds."""
    programs: tuple[int, ...] = (1, 2, 4)
    """Contention: numbers of drives at once."""
    contention_seconds: float = 12.0
    """Contention: length of the recording in seconds."""
    avatar: Path = DEMO_AVATAR
    """Drive and contention: the avatar."""
    audio: Path = DEMO_VOICE
    """Audio to vertex offsets, drive and contention: the voice, repeated to each length."""
