"""The options of the lip reader's training."""

from dataclasses import dataclass, field
from pathlib import Path

from audio2mesh.model.options import LipReadOptions
from audio2mesh.training.options import StepOptions
from common.device import ComputeOptions


@dataclass(frozen=True)
class LipTrainOptions(StepOptions):
    """Training on windows of mouth crops whose phones are known."""

    steps: int = 6500
    """Optimiser steps."""
    batch: int = 6
    """Windows per step."""
    learning_rate: float = 2e-3
    """Peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine."""
    weight_decay: float = 0.02
    """AdamW's weight decay."""
    average: float = 0.995
    """Decay per step of the running average of the weights, which is what is saved; 0 for none."""
    rehearsal: int = 1000
    """The first so many steps show the mouth's measures in place of pictures, in twice as many
    windows: to name phones by them is learned a few times as fast."""
    looking: int = 1600
    """Steps after these in which pictures are measured only."""
    frames: int = 75
    """Frames of a window, 25 a second."""


@dataclass(frozen=True)
class LipFitOptions(ComputeOptions):
    """Train the lip reader on synthetic people who say sentences.

    Synthetic voices (the programs festival and flite; Debian: festival festvox-us-slt-hts
    festvox-kdlpc16k flite) give the start and end of each phone of a sentence; the articulation
    model moves a mouth that is new in each window: another face, skin, light, side and habit of
    speech. Of the lines of --text every fiftieth is only tested on, said by voices and people that
    are not in training, and the one after it is for validation.
    """

    text: Path
    """Text file with one English sentence on each line."""
    out: Path
    """Weights file to write (.safetensors)."""
    data: tuple[Path, ...] = ()
    """Folders of clips (<id>.npz with <id>.flac) whose motion is also shown, on the same synthetic
    people; those without phones teach the mouth's shape."""
    shown: float = 0.1
    """Share of the windows that show a clip of --data."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    start: Path | None = None
    """Lip reader to begin from, in place of a new one; --network is not looked at."""
    cache: Path = Path("said_sentences")
    """Folder in which the sentences' phones are kept."""
    network: LipReadOptions = field(default_factory=LipReadOptions)
    """Size of the network."""
    train: LipTrainOptions = field(default_factory=LipTrainOptions)
    """The training."""
