"""The options of the network of head motion and of its training."""

from dataclasses import dataclass, field
from pathlib import Path

from audio2mesh.training.options import StepOptions
from common.device import ComputeOptions


@dataclass(frozen=True)
class PoseNetOptions:
    """The network."""

    width: int = 64
    """Channels of all convolutions."""
    latent: int = 48
    """Length of the code of a window of 4 s."""
    dropout: float = 0.1
    """Share of activations dropped in training."""


@dataclass(frozen=True)
class PoseTrainOptions(StepOptions):
    """Training as a variational autoencoder."""

    steps: int = 2000
    """Optimiser steps."""
    batch: int = 16
    """Windows of 4 s per step."""
    average: float = 0.995
    """Decay per step of the running average of the weights, which is what is saved."""
    save_every: int = 500
    """Steps after which the unfinished run is kept; a power cut loses no more."""
    velocity: float = 5.0
    """Weight of the squared difference of the motion from frame to frame."""
    acceleration: float = 0.5
    """Weight of the squared difference of its change from frame to frame."""
    divergence: float = 0.03
    """Weight of the code's divergence from the normal distribution, in nats for each number of a
    window: twice the squared error, in standard deviations, that is taken for noise."""
    rising: float = 0.3
    """Share of the steps over which that weight rises from zero."""
    free: float = 0.02
    """Nats of divergence that each number of a code costs anyway, so that none falls idle."""
    unheard: float = 0.2
    """Share of windows whose sound is hidden, as it is where a track has none."""
    beginning: float = 0.15
    """Share of windows that begin a recording: nothing is known of the motion before."""


@dataclass(frozen=True)
class PoseFitOptions(ComputeOptions):
    """Train a network that moves a head by a voice, on tracks of heads of people who speak.

    At the end it is measured on the held-out tracks. The same command continues a run that was
    broken off.
    """

    data: tuple[Path, ...]
    """Folders of tracks: <id>.npz with `head` [F, 3], yaw, pitch and roll in degrees, and `fps`;
    where there is <id>.wav (or .flac, ..) beside it, what is said. track-films
    writes such."""
    out: Path
    """Weights file to write (.safetensors)."""
    held_out: tuple[str, ...] = ()
    """Ids of tracks that are only measured on."""
    net: PoseNetOptions = field(default_factory=PoseNetOptions)
    """The network."""
    train: PoseTrainOptions = field(default_factory=PoseTrainOptions)
    """The training."""
