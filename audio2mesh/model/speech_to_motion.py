"""Speech to motion: encoder, features at video rate, decoder and vertex map in one module.

The model sees one window of fixed length; `audio2mesh.model.stream` lays windows over a recording.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from audio2mesh.model.baseline import AutoregressiveDecoder
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.model.motion import Motion
from audio2mesh.model.options import ModelOptions, WindowOptions
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import normalise_level
from common.errors import InputError

NEUTRAL = "neutral"
FPS = 25
"""Frames per second where neither options nor data say any."""
LONGEST_WINDOW = 60.0  # seconds; the time of a window grows with its square


class SpeechToMotion(nn.Module):
    """One window of audio [B, S] → motion coefficients [B, F, K] on `basis` [K, V, 3].

    The vertex map is the product of the decoder's last layer, which starts at zero, and the basis;
    a new model therefore never moves.
    """

    basis: Tensor  # [K, V, 3] metres
    feature_mean: Tensor  # [L, D]
    feature_std: Tensor  # [L, D]

    def __init__(
        self,
        encoder: SpeechEncoder,
        basis: Tensor,
        topology: str,
        styles: tuple[str, ...] = (NEUTRAL,),
        options: ModelOptions | None = None,
    ) -> None:
        super().__init__()
        assert styles[0] == NEUTRAL
        options = options or ModelOptions()
        self.fps = options.fps or FPS  # of the motion
        self.options = replace(options, fps=self.fps)
        self.topology, self.styles = topology, styles
        _check_window(self.options.window, self.fps)
        self.encoder = encoder
        layers, width = len(encoder.layers), encoder.width
        channels = self.options.samples_per_frame * layers * width
        kind = {"learn2talk": Decoder, "faceformer": AutoregressiveDecoder}[options.decoder.kind]
        self.decoder = kind(channels, len(basis), len(styles), options.decoder)
        self.register_buffer("basis", basis)
        self.register_buffer("feature_mean", torch.zeros(layers, width))
        self.register_buffer("feature_std", torch.ones(layers, width))

    @property
    def vertex_count(self) -> int:
        return self.basis.shape[1]

    @property
    def window_samples(self) -> int:
        """Samples of one window at 16 kHz."""
        return self.options.window.frames * SAMPLE_RATE // self.fps

    def style_index(self, style: str | None) -> int:
        """Row of a speaking style; None is the neutral one. InputError for an unknown name."""
        if style is not None and style not in self.styles:
            known = ", ".join(self.styles)
            raise InputError(f"the weights have no speaking style {style!r}; they have {known}")
        return self.styles.index(style or NEUTRAL)

    def raw_features(self, audio: Tensor) -> Tensor:
        """Hidden states [B, F, P, L, D] at the P sampling points of each frame of audio [B, S]."""
        return self.levelled_features(normalise_level(audio))

    def levelled_features(self, audio: Tensor) -> Tensor:
        """As `raw_features`, for audio that has the usual level already."""
        states = self.encoder(audio)  # [B, T, L, D]
        frames = round(audio.shape[1] * self.fps / SAMPLE_RATE)
        points = frames * self.options.samples_per_frame
        at = (torch.arange(points, dtype=torch.float64) + 0.5) / (
            self.options.samples_per_frame * self.fps
        )
        sampled = interpolate_steps(states, self.encoder.step_times(states.shape[1]), at)
        return sampled.unflatten(1, (-1, self.options.samples_per_frame))

    def decode(self, raw_features: Tensor, style: Tensor) -> Tensor:
        """Raw features [B, F, P, L, D] and style rows [B] → coefficients [B, F, K]."""
        return self.decoder(self.standardised(raw_features).flatten(2), style)

    def standardised(self, raw_features: Tensor) -> Tensor:
        """Raw features [B, F, P, L, D] with mean 0 and deviation 1 in each channel."""
        return (raw_features - self.feature_mean) / self.feature_std

    def forward(self, audio: Tensor, style: Tensor) -> Tensor:
        return self.decode(self.raw_features(audio), style)

    def motion(self, coefficients: Tensor) -> Motion:
        """Coefficients [.., F, K] with the basis they belong to."""
        return Motion(coefficients, self.basis)


def _check_window(window: WindowOptions, fps: int) -> None:
    inside = window.hop > 0 and 0 <= window.fade <= 2 * window.margin
    if not inside or (window.hop * SAMPLE_RATE) % fps:
        raise InputError("windows must start on whole samples and fade inside their margins")
    if window.frames > LONGEST_WINDOW * fps:
        raise InputError(f"windows of {window.frames} frames last more than {LONGEST_WINDOW:g} s")


def interpolate_steps(states: Tensor, times: Tensor, at: Tensor) -> Tensor:
    """States [B, T, ..] given at evenly spaced `times` [T], linearly at times `at` [n]."""
    positions = ((at - times[0]) / (times[1] - times[0])).clamp(0, len(times) - 1)
    low = positions.floor().clamp(max=len(times) - 2).long()
    weight = (positions - low).to(states).view(1, -1, *[1] * (states.ndim - 2))
    return torch.lerp(states[:, low], states[:, low + 1], weight.to(states.device))
