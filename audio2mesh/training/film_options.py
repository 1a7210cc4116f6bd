"""The options of tuning weights to films."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FilmTuningOptions:
    """How weights are tuned to films."""

    steps: int = 60
    """Optimiser steps."""
    learning_rate: float = 3e-4
    """Peak learning rate; it warms up over 5 steps and falls to zero along a cosine."""
    variants: int = 3
    """How many versions of each recording are heard: as it is, and with other changes of sound."""
    hold: float = 0.3
    """Weight of the squared distance, mm², by which lips move in other styles than the neutral."""
    anchor: float = 0.0005
    """The same for the neutral style, which the films are to change."""
    sealing: float = 0.2
    """Weight of the gap, mm, that opens where lips were shut; in pauses and on m, b, p 1 more."""
    contact: float = 3.0
    """Weight of the distance, mm, that the lower lip gains from the upper teeth where it was at
    them (f, v)."""
    seed: int = 0
    """Seed of everything random."""


@dataclass(frozen=True)
class TrainFilmsOptions:
    """Tune speech-to-motion weights so that in the neutral style the lips do what lips of filmed
    people do; other styles stay as they are."""

    data: tuple[Path, ...]
    """Folders of clips with a person's motion, as `convert-tracked` makes them of tracked films."""
    hold: tuple[Path, ...]
    """Folders of further speech, of many voices, on which little may change: recordings named after
    a speaking style of the weights, or clips."""
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
