"""The options of verbs that join several packages, or none."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from audio2mesh.data.options import SourceOptions
from audio2mesh.training.options import FitOptions
from avatar.trust.options import SignOptions
from common.device import Device, ThreadOptions


@dataclass(frozen=True)
class MakeAvatarOptions(SignOptions, ThreadOptions):
    """Make an avatar of the person on a photo, or in a film. It speaks with `drive`.

    The face should look into the camera, mouth shut, in soft light; more photos from other sides
    show what one leaves open. What no photo shows is invented: a picture beside the avatar tells
    what. A film says more than photos: half a minute of somebody who speaks and slowly turns the
    head before a still camera. Make an avatar of yourself, or of somebody who agreed to it.
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
    tells, or else what fits the face best, on photos or in the film."""
    steps: int = 1_500
    """Of learning from a film: more are sharper, and take as much longer."""
    device: Device = "auto"
    """Where a film is learnt: auto takes CUDA where it works."""
    seed: int = 0
    """Seed of everything that is left to chance; the same seed gives the same avatar."""


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
class DemoOptions(ThreadOptions):
    """Make the film of the demo avatar that speaks the demo voice; both come with the program."""

    out: Path = Path("voicesplat_demo.mp4")
    """The film: .mp4, .webm or .mov; without a suffix a new folder for PNG frames."""


Part = Literal["films", "light", "avatars", "scans", "training"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class WarmOptions(ThreadOptions):
    """Compile all that is compiled for this processor, so that no later command waits for it.

    It stays on the disk until the program changes.
    """

    parts: tuple[Part, ...] = PARTS
    """What is compiled: films for drive, render, serve and batch; light for --light; scans for
    meshes that become avatars; in a checkout also avatars for make-capture, make-avatar and
    reconstruct, and training for the lip reader."""


@dataclass(frozen=True)
class DoctorOptions:
    """Say what this machine has, what works on it, and what to do about the rest.

    A line for each: PyTorch, CUDA, gsplat, the encoders, compiled kernels, memory, versions. The
    exit status is 1 where something is broken.
    """

    gpu: bool = False
    """Also try and time what runs on the CUDA device, for at most ten minutes, and print rows for
    docs/benchmarks.md; in a checkout with the tests that need a device."""
    report: Path | None = None
    """File for all of it as JSON."""
