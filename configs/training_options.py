"""The options of joint training: parts of several packages, which the command line joins in one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from audio2mesh.data.options import SourceOptions
from audio2mesh.training.options import FitOptions
from avatar.lipreading.options import LipReadingOptions

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

    The same command continues a run that was broken off. `evaluate-audio2mesh` measures weights.
    """

    sources: Annotated[SourceOptions, Joined]
    """What is learned from."""
    out: Path
    """Weights file to write (.safetensors)."""
    fit: Annotated[FitOptions, Joined] = field(default_factory=FitOptions)
    """The training."""
    critics: Annotated[CriticOptions, Joined] = field(default_factory=CriticOptions)
    """The learned losses."""
