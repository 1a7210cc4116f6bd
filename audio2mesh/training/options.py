"""The options of training: its steps, its sounds, its losses."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio2mesh.model.options import ModelOptions
from common.device import ComputeOptions

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""What the decoder computes in while it is trained."""


@dataclass(frozen=True)
class StepOptions:
    """Steps of an optimiser, as every training here makes them."""

    steps: int = 600
    """Optimiser steps."""
    batch: int = 8
    """Windows per step, over all processes."""
    learning_rate: float = 1e-3
    """Peak learning rate; it warms up over 5 % of the steps and falls to zero along a cosine."""
    weight_decay: float = 0.05
    """AdamW's weight decay."""
    average: float = 0.99
    """Decay per step of the running average of the weights, which is what is saved; 0 for none."""
    save_every: int = 100
    """Steps after which the unfinished run is kept, and held-out clips are scored where a training
    does so; a power cut loses no more."""
    seed: int = 0
    """Seed of everything random."""


@dataclass(frozen=True)
class AugmentOptions:
    """Changes to the sound that leave the motion as it is."""

    clean: float = 0.15
    """Share of windows whose sound is left as recorded."""
    running: float = 0.7
    """Share of clips, per pass, whose pauses are cut short to make running speech."""
    speed: float = 0.2
    """Largest relative change of speed, of sound and motion together."""
    pitch: float = 5.0
    """Largest change of pitch, semitones up or down."""
    reverberation: float = 0.35
    """Share of windows with a synthetic room."""
    noise: float = 0.65
    """Share of windows with noise: white to brown, mains hum, other voices or music."""
    snr: tuple[float, float] = (3.0, 40.0)
    """Signal-to-noise ratio from and to, decibels."""
    band: float = 0.35
    """Share of windows whose band is limited as by a telephone or an old radio."""
    gain: float = 15.0
    """Largest change of loudness, decibels up or down."""
    alone: float = 0.15
    """Share of windows that hold a stretch of one clip and silence around it, as short recordings
    do."""
    quiet: float = 0.1
    """Share of windows without speech, silence or noise alone, for which the mouth is shut."""
    live: float = 0.15
    """Share of windows whose sound ends early, as it does while someone still speaks."""
    ahead: float = 0.2
    """Seconds of sound that a frame must have after it in such a window to be trained on."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses; 0 leaves one out."""

    vertices: float = 1.0
    """Squared distance, mean over all vertices, mm²."""
    lips: float = 0.2
    """Squared distance, mean over the lip vertices, mm²."""
    velocity: float = 0.2
    """Squared difference of the lips' motion from frame to frame, mm²."""
    gap: float = 1.0
    """Absolute difference of the opening between the lips, mm."""
    closure: float = 0.3
    """Opening that remains where the lips should touch, mm."""
    timing: float = 2.0
    """1 less the correlation of the lip gap over a window."""
    width: float = 2.0
    """1 less the correlation of the mouth's width over a window."""
    swing: float = 0.2
    """Squared logarithm of the ratio of the deviations of lip gap and mouth width over a window."""
    sealing: float = 0.0
    """The same once more, only in clips whose phones are known: there a touch is a certain one."""
    contact: float = 3.0
    """Distance that remains where the lower lip should be at the upper teeth (f, v), mm; few frames
    are such, about 3 %, so that the mean over all is small."""
    tongue: float = 0.2
    """Squared distance, mm², of the tip of the tongue from how far it should be out, four times as
    much where it stays behind as where it is ahead; in clips whose phones are known."""
    sync: float = 0.0
    """SyncNet3D's judgement of lips against sound (λ1)."""
    lipreading: float = 0.0
    """Distance of the lip-reading network's features from those of the teacher's mouth (λ2)."""


CRITICS = ("sync", "lipreading")
"""The weights of losses that are learned, each by a network of its own."""


@dataclass(frozen=True)
class TrainOptions(StepOptions):
    """Training of the decoder on augmented passes over the clips."""

    neutral: float = 0.5
    """Share of windows trained with the neutral speaking style in place of their own. Where some of
    the clips are measured (captured, or tracked in films), that style learns its shape from
    those alone, and from modelled or solved motion, less often, only when lips move, how far they
    swing and where they meet."""
    windows: int = 240
    """Windows of one pass; fewer where they would last longer than the clips together."""
    passes: int = 24
    """Augmented passes over the clips that batches are drawn from; in memory 0.9 MB per window, on
    disk with --cache."""
    refresh: int = 100
    """Steps after which the oldest pass is replaced by a new one."""
    critic_every: int = 1
    """Steps from one judgement by the critics (sync, lip reading) to the next; a judgement counts
    as many times as there are steps."""
    precision: Precision = "auto"
    """Number format of the decoder in training: auto is bfloat16 on CUDA and float32 elsewhere."""
    losses: LossWeights = field(default_factory=LossWeights)
    """Weights of the losses."""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """Changes to the sound."""


@dataclass(frozen=True)
class FitOptions(ComputeOptions):
    """How speech-to-motion weights are trained."""

    cache: Path | None = None
    """Folder in which encoded speech is kept, for other runs on the same data; it may grow to
    --train.passes times 0.2 GB and more."""
    encoder: str | None = None
    """Speech encoder: a folder or a hub name; by default that of the shipped weights."""
    start: Path | None = None
    """Weights to begin from; by default the decoder begins anew. Their encoder, form and speaking
    styles are kept, and --model is not looked at."""
    tongue_only: bool = False
    """Only teach the tongue of those weights, in a minute and by least squares; lips, jaw and all
    else of them stay."""
    layers: tuple[int, ...] = (2, 3, 4)
    """Encoder blocks whose outputs are used, counted from 1 (only with --encoder)."""
    model: ModelOptions = field(default_factory=ModelOptions)
    """The model."""
    train: TrainOptions = field(default_factory=TrainOptions)
    """The training."""
