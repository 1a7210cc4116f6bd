"""The options of verbs that join several packages, or none."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from audio2mesh.data.options import SourceOptions
from audio2mesh.lipreading.options import LipReadingOptions
from audio2mesh.training.options import FitOptions
from avatar.trust.options import SignOptions
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.device import Device
from common.errors import InputError


@dataclass(frozen=True)
class MakeAvatarOptions(SignOptions):
    """Make an avatar of the person on a photo, or in a film. It speaks with `drive`.

    The face should look into the camera, mouth shut, in soft light, without glasses; more photos
    from other sides show what one leaves open. What no photo shows is invented: a picture beside
    the avatar tells what. A film says more than photos: half a minute of somebody who speaks and
    slowly turns the head before a still camera. Make an avatar of yourself, or of somebody who
    agreed to it.
    """

    out: Path
    """The avatar file to write (.ply); the picture of what was seen and what was invented gets its
    name with -seen.png."""
    photo: tuple[Path, ...] = ()
    """1 to 5 photos of one person; the first should be the one from the front."""
    film: Path | None = None
    """Instead of photos a film of one person. The film as it was tracked lies in a folder beside
    the avatar, with -capture at the end of its name: the same command goes on from there."""
    consent: str | None = None
    """Who agreed that this avatar is made, to what, until when: a text, or a file with it, such as
    "Jane Doe, films for our lessons, until 2027-12-31". By default it is asked for in a terminal,
    and else not stated."""
    face: int = 0
    """Which of several faces, by their size on each photo or where the film begins; 0 is the
    largest."""
    focal: float | None = None
    """Focal length in widths of the picture, where it is known; by default what the photo's file
    tells, or else 1.2 times its longer side, or found from the film."""
    steps: int = 3_000
    """Of learning from a film: 7,000 are a little sharper and take more than twice as long."""
    device: Device = "auto"
    """Where a film is learnt: auto takes CUDA where it works."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same avatar."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


Joined = tyro.conf.arg(name="")
"""Options whose names do not tell that they are part of something."""


@dataclass(frozen=True)
class CriticOptions:
    """The learned losses."""

    syncnet: Path | None = None
    """SyncNet3D that judges where --train.losses.sync is set; by default the one that ships."""
    lipreader: Path | None = None
    """Lip reader that judges where --train.losses.lipreading is set; by default the shipped one."""
    teacher: str = "truth"
    """Whose mouth the lip reader compares with: "truth", the true motion, or a folder of films of
    any talking face, named like the clips."""
    lipreading: LipReadingOptions = field(default_factory=LipReadingOptions)
    """What the lip reader sees of a batch."""


@dataclass(frozen=True)
class TrainMotionOptions:
    """Train speech-to-motion weights on clips of speech with face motion.

    The same command continues a run that was broken off. `evaluate speech` measures weights.
    """

    sources: Annotated[SourceOptions, Joined]
    """What is learned from."""
    out: Path
    """Weights file to write (.safetensors)."""
    fit: Annotated[FitOptions, Joined] = field(default_factory=FitOptions)
    """The training."""
    critics: Annotated[CriticOptions, Joined] = field(default_factory=CriticOptions)
    """The learned losses."""


@dataclass(frozen=True)
class DemoOptions:
    """Make the film of the demo avatar that speaks the demo voice; both come with the program."""

    out: Path = Path("voicesplat_demo.mp4")
    """The film: .mp4, .webm, .mov or .gif; without a suffix a new folder for PNG frames."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


Part = Literal["films", "light", "avatars", "scans", "training"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class WarmOptions:
    """Compile all that is compiled for this processor, so that no later command waits for it.

    It stays on the disk until the program changes.
    """

    parts: tuple[Part, ...] = PARTS
    """What is compiled: films for drive, render, serve and batch; light for --light; scans for
    meshes that become avatars; in a checkout also avatars for make-capture, make-avatar and
    reconstruct, and training for the lip reader."""
    threads: int | None = None
    """Threads that compute, at most one for each processor; by default as many as the processors,
    or the CPU quota of a container, allow."""


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
