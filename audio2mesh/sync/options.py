"""The options of SyncNet3D and its training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio2mesh.training.options import AugmentOptions, StepOptions
from common.device import ComputeOptions

Role = Literal["loss", "evaluation"]
"""What an instance is for: one is a training loss, another one measures, never the same."""


@dataclass(frozen=True)
class SyncNetOptions:
    """The network."""

    width: int = 128
    """Channels of both towers."""
    embedding: int = 128
    """Length of the embeddings."""
    dropout: float = 0.15
    """Share of activations dropped in training."""


@dataclass(frozen=True)
class SegmentOptions:
    """Stretches of speech with lip curves, and how sound and motion are changed."""

    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """Changes to the sound."""
    modelled: float = 0.4
    """Share of segments from modelled motion, where there are both modelled and other clips."""
    amplitude: float = 0.3
    """Spread of the logarithm of the motion's amplitude."""
    wobble: float = 0.15
    """Spread of the logarithm of each lip curve's own amplitude."""
    smooth: float = 0.3
    """Share of segments whose motion is smoothed."""


@dataclass(frozen=True)
class ContrastOptions(StepOptions):
    """Contrastive training; every window of a batch is a negative of every other."""

    steps: int = 2000
    """Optimiser steps."""
    batch: int = 8
    """Segments per step."""
    average: float = 0.995
    """Decay per step of the running average of the weights, which is what is saved."""
    windows: int = 46
    """Windows of the mouth per segment: 46 make 2 s."""
    temperature: float = 0.15
    """Temperature of the contrastive loss between windows."""
    offset: float = 0.3
    """Weight of the loss that finds a segment's offset among the 21."""
    sharpness: float = 20.0
    """Factor of the mean distance in that loss."""
    pool: int = 240
    """Augmented stretches of 6 s in memory."""
    renew: int = 2
    """Steps after which the oldest stretch is replaced by a new one."""


@dataclass(frozen=True)
class SyncFitOptions(ComputeOptions):
    """Train a SyncNet3D on clips of speech with face motion: does this mouth belong to this sound?

    At the end the offset test is made on the held-out clips.
    """

    data: tuple[Path, ...]
    """Folders of clips: <id>.flac (or .wav, ..) with <id>.npz."""
    role: Role
    """What the network is for: a training loss, or evaluation only."""
    out: Path
    """Weights file to write (.safetensors)."""
    held_out: tuple[str, ...] = ()
    """Ids of clips that are only tested on."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    part: tuple[int, int] = (0, 1)
    """Of the clips with modelled motion, train on every N-th from the K-th on: K N."""
    net: SyncNetOptions = field(default_factory=SyncNetOptions)
    """The network."""
    train: ContrastOptions = field(default_factory=ContrastOptions)
    """The training; its seed should differ between the two roles."""
    segments: SegmentOptions = field(default_factory=SegmentOptions)
    """Changes to sound and motion."""
