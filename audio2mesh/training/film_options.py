"""The options of tuning weights to films, and of learning how a person speaks from theirs."""

from dataclasses import dataclass, field
from pathlib import Path

from common.device import Device


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


@dataclass(frozen=True)
class MannerOptions:
    """How a manner of speaking is learned."""

    rank: int = 4
    """Rank of the changes of the decoder's matrices; where there are minutes of film, more may
    tell more."""
    steps: int = 200
    """Optimiser steps."""
    learning_rate: float = 0.003
    """Peak learning rate; it falls to zero along a cosine."""
    batch: int = 4
    """Windows of the films in each step, and half as many of another voice."""
    variants: int = 4
    """How many versions of the films are heard: as they are, and with other sound and speed."""
    closure: float = 4.0
    """Weight of the gap, mm, between lips that the neutral style shuts for a moment."""
    contact: float = 100.0
    """Weight of the distance, mm, that the lower lip gains from the upper teeth where the neutral
    style has it at them (f, v)."""
    keep: float = 0.3
    """Weight of the squared distance, mm², from the neutral style where another voice speaks."""
    seed: int = 0
    """Seed of everything random."""


@dataclass(frozen=True)
class TrainMannerOptions:
    """Learn how a person speaks, from films of them: a file that --manner of driving takes.

    How far, how wide and when they move the lips, how they round them, and how far they part them
    at rest. 20 s of speech are enough. `make-avatar --film` learns the same and puts it into the
    avatar.
    """

    out: Path
    """The file to write (.safetensors)."""
    film: tuple[str, ...] = ()
    """Films of one person who speaks: files or patterns such as 'films/*.mp4'. Each is tracked in
    a folder beside --out, and not again by a later run."""
    data: tuple[Path, ...] = ()
    """Besides or instead: folders of clips of the person, as `train motion` takes them."""
    weights: Path | None = None
    """Speech-to-motion weights that are to speak so; by default the ones that ship."""
    device: Device = "auto"
    """Where films are tracked: auto takes CUDA where it works."""
    threads: int | None = None
    """Threads that compute; by default as many as the processors, or the CPU quota of a container,
    allow."""
    learn: MannerOptions = field(default_factory=MannerOptions)
    """The learning."""
