"""The options of the lip reader, of its training, and of the loss that it gives."""

from dataclasses import dataclass

from audio2mesh.training.options import StepOptions


@dataclass(frozen=True)
class LipReadOptions:
    """The network."""

    channels: int = 16
    """Channels of the first convolution; each of the two halvings of the picture doubles them."""
    width: int = 192
    """Channels of the transformer."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 6
    """Attention heads."""
    dropout: float = 0.1
    """Share of activations dropped in training."""


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
    step_weight: float = 1.0
    """Weight of naming the phone at each half frame, beside the CTC loss's 1."""
    shape_weight: float = 0.5
    """Weight of measuring the mouth, per millimetre."""


@dataclass(frozen=True)
class LipReadingOptions:
    """The part of a batch that the lip reader sees."""

    stretches: int = 2
    """Stretches of a batch, from different windows, that are rendered and read."""
    frames: int = 25
    """Frames of a stretch."""
