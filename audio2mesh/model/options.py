"""The options of the speech-to-motion model and of the lip reader."""

from dataclasses import dataclass, field
from typing import Literal

SHIPPED = "anny_head.safetensors"
"""The weights that come with the package, in audio2mesh/weights."""

Kind = Literal["learn2talk", "faceformer"]
"""All frames of a window at once, or the autoregressive baseline, one frame after another."""


@dataclass(frozen=True)
class DecoderOptions:
    """The network that makes motion of speech features."""

    kind: Kind = "learn2talk"
    """learn2talk makes all frames of a window at once; faceformer is the baseline, which makes one
    frame after another (FaceFormer, arXiv 2112.05329) and at most 600."""
    width: int = 64
    """Channels of the transformer."""
    layers: int = 1
    """Transformer blocks."""
    heads: int = 4
    """Attention heads."""
    dropout: float = 0.3
    """Share of activations dropped in training."""
    dropout_channels: float = 0.7
    """Share of feature channels dropped in training, each for a whole window."""
    period: int = 25
    """Frames after which the attention bias takes its next step down."""
    habits: bool = False
    """Whether each speaking style has, besides, a linear map of its own from the last block to the
    motion; it begins at zero."""


@dataclass(frozen=True)
class WindowOptions:
    """Windows of a recording that the model sees, in training and in use."""

    frames: int = 200
    """Frames of one window, at the weights' frame rate."""
    margin: int = 25
    """Frames at each end of a window that serve as context."""
    fade: int = 10
    """Frames over which one window is cross-faded into the next; even."""

    @property
    def hop(self) -> int:
        """Frames from one window to the next."""
        return self.frames - 2 * self.margin


@dataclass(frozen=True)
class ModelOptions:
    """The form of the model."""

    fps: int | None = None
    """Frames per second of the motion; by default the rate of the data."""
    samples_per_frame: int = 2
    """Points in time at which each frame looks at the speech features."""
    window: WindowOptions = field(default_factory=WindowOptions)
    """Length and overlap of the windows."""
    decoder: DecoderOptions = field(default_factory=DecoderOptions)
    """Kind and size of the decoder."""


@dataclass(frozen=True)
class LipReadOptions:
    """The lip reader's network."""

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
