"""The options of tuning weights to films."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FilmTuningOptions:
    """How weights are tuned to films."""

    style: str = "filmed"
    """Name of the speaking style that is made; one that the weights have is made anew."""
    steps: int = 60
    """Optimiser steps."""
    learning_rate: float = 0.01
    """Peak learning rate; it falls to zero along a cosine."""
    variants: int = 3
    """How many versions of each recording are heard: as it is, and with other changes of sound."""
    solved: float = 1.0
    """Weight of agreement with the motion of --solved clips, a few of which each step looks at."""
    anchor: float = 0.02
    """Weight of the squared distance, mm², by which lips move otherwise than before."""
    sealing: float = 0.1
    """Weight of the gap, mm, that opens where lips were shut; six times that on m, b, p and in
    pauses."""
    contact: float = 1.0
    """Weight of the distance, mm, that the lower lip gains from the upper teeth where it was at
    them (f, v)."""
    seed: int = 0
    """Seed of everything random."""


@dataclass(frozen=True)
class TrainFilmsOptions:
    """Add a speaking style to speech-to-motion weights, in which the lips do what lips of filmed
    people do; all other styles stay."""

    data: tuple[Path, ...]
    """Folders of clips with a person's motion, which `track-films` makes."""
    hold: tuple[Path, ...]
    """Folders of further speech, of many voices, on which little may change."""
    solved: tuple[Path, ...] = ()
    """Folders of short clips whose motion is not to be unlearnt, such as parts of those that the
    weights were trained on."""
    out: Path | None = None
    """Weights file to write (.safetensors)."""
    weights: Path | None = None
    """Weights to begin from; by default the ones that ship."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    leave_one_out: bool = False
    """Also tune without each film in turn, and measure on that film."""
    report: Path | None = None
    """JSON file to write the figures of --leave-one-out to."""
    threads: int | None = None
    """Threads that compute; by default as many as the processors, or the CPU quota of a container,
    allow."""
    tune: FilmTuningOptions = field(default_factory=FilmTuningOptions)
    """The tuning."""
