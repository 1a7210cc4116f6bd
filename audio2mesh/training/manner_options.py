"""The options of learning how a person speaks."""

from dataclasses import dataclass, field
from pathlib import Path

from common.device import Device, ThreadOptions


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
class TrainMannerOptions(ThreadOptions):
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
    learn: MannerOptions = field(default_factory=MannerOptions)
    """The learning."""
