"""Speech encoders: waveform → hidden states, for any of four families of models.

An encoder is described by its configuration (a plain dictionary, as transformers has it), the
blocks whose outputs are used and whether it wants its input normalised; with its weights these
rebuild it without any download. Moonshine is ours, the other families are transformers' own.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from audio2mesh.model.moonshine import Moonshine
from audio2mesh.sound import SAMPLE_RATE
from common.errors import InputError

Family = Literal["wav2vec2", "hubert", "wavlm", "moonshine"]
FULL: dict[Family, int] = {"wav2vec2": 12, "hubert": 12, "wavlm": 12, "moonshine": 6}
"""Blocks of a model whose configuration does not say."""

_captured: ContextVar[dict[int, Tensor] | None] = ContextVar("_captured", default=None)
"""Layer: its states, of the call that this thread is in."""


@dataclass(frozen=True)
class EncoderSpec:
    """All that rebuilds an encoder's architecture."""

    config: dict[str, Any]  # the transformers configuration, `model_type` among it
    layers: tuple[int, ...]  # blocks whose outputs are used, from 1; 0 is the first block's input
    normalise: bool  # input shifted and scaled to zero mean and unit variance

    @property
    def family(self) -> Family:
        """What kind of model it is. InputError for one that is not known here."""
        name = self.config.get("model_type")
        if name not in get_args(Family):
            known = ", ".join(get_args(Family))
            raise InputError(
                f"speech encoders of type {name!r} are not known here; use one of {known}"
            )
        return cast(Family, name)


class SpeechEncoder(nn.Module):
    """Hidden states of a speech encoder, cut off above the highest block that is used.

    Always in evaluation mode: it is a fixed feature extractor. Several threads may call it at once.
    """

    def __init__(self, net: nn.Module, spec: EncoderSpec) -> None:
        super().__init__()
        self.net = net.eval().requires_grad_(False)
        self.spec, self.family = spec, spec.family
        self.layers, self.normalise = spec.layers, spec.normalise
        config: Any = net
        if not isinstance(net, Moonshine):
            _capture(cast(Any, net).encoder.layers, spec.layers)
            config = net.config
        self.width: int = config.hidden_size  # channels of one hidden state
        self.hop, self.receptive_field = _as_one(config.conv_kernel, config.conv_stride)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.parameters()).device

    def train(self, mode: bool = True) -> "SpeechEncoder":
        return super().train(False)

    def steps(self, samples: int) -> int:
        """How many steps T come out of `samples` samples at 16 kHz."""
        return max(0, (samples - self.receptive_field) // self.hop + 1)

    def step_times(self, count: int) -> Tensor:
        """Seconds from the first sample to the centre of what each step sees."""
        centre = (self.receptive_field - 1) / 2
        return (torch.arange(count, dtype=torch.float64) * self.hop + centre) / SAMPLE_RATE  # [T]

    def forward(self, audio: Tensor) -> Tensor:
        """Audio [B, S] at 16 kHz in [-1, 1] → hidden states [B, T, L, D], one per chosen layer."""
        if self.normalise:
            audio = _zero_mean_unit_variance(audio)
        net = self.net
        found = net.states(audio) if isinstance(net, Moonshine) else _captured_states(net, audio)
        states = torch.stack([found[layer] for layer in self.layers], dim=2)
        assert states.shape[1] == self.steps(audio.shape[1]), "frame arithmetic is wrong"
        return states


def _captured_states(net: nn.Module, audio: Tensor) -> dict[int, Tensor]:
    """Layer: its states [B, T, D], of the layers that `_capture` was told."""
    captured: dict[int, Tensor] = {}
    token = _captured.set(captured)
    try:
        net(audio)
    finally:
        _captured.reset(token)
    return captured


def _capture(blocks: nn.ModuleList, layers: tuple[int, ...]) -> None:
    """Let the blocks note the chosen layers' states in `_captured`."""
    for layer in layers:
        if layer == 0:
            blocks[0].register_forward_pre_hook(_keep_input, with_kwargs=True)
        else:
            blocks[layer - 1].register_forward_hook(partial(_keep_output, layer))


def _keep_input(_: nn.Module, args: tuple, kwargs: dict) -> None:
    if (captured := _captured.get()) is not None:
        captured[0] = args[0] if args else kwargs["hidden_states"]


def _keep_output(layer: int, _: nn.Module, __: tuple, output: Any) -> None:
    if (captured := _captured.get()) is not None:
        captured[layer] = output[0] if isinstance(output, tuple) else output


def load_encoder(source: str | Path, layers: tuple[int, ...]) -> SpeechEncoder:
    """Open a pretrained encoder: a local folder or a name on the Hugging Face hub.

    OSError where it cannot be opened, InputError where it is of no known family.
    """
    from audio2mesh.model import pretrained  # noqa: PLC0415  takes seconds

    try:
        config = pretrained.open_config(source)
        spec = EncoderSpec(config, layers, normalise=False)
        family = spec.family
        net = pretrained.open_network(source, config)
        normalise = pretrained.wants_normalised(source, family)
    except OSError as error:
        raise OSError(
            f"{source}: no speech encoder could be opened here; give a folder that holds a"
            " transformers model or the name of one on the Hugging Face hub"
        ) from error
    encoder = build_encoder(replace(spec, normalise=normalise))
    weights = net.state_dict()
    encoder.net.load_state_dict({name: weights[name] for name in encoder.net.state_dict()})
    return encoder


def build_encoder(spec: EncoderSpec) -> SpeechEncoder:
    """The encoder's architecture with untrained weights."""
    family, layers = spec.family, spec.layers
    key = "encoder_num_hidden_layers" if family == "moonshine" else "num_hidden_layers"
    available = spec.config.get(key, FULL[family])
    if not layers or min(layers) < 0 or max(layers) > available:
        raise InputError(
            f"the encoder has blocks 0 to {available}, but layers {layers} are asked for"
        )
    config = {**spec.config, key: max(*layers, 1)}  # what goes into a block is seen when it runs
    cut = replace(spec, config=config)
    if family == "moonshine":
        return SpeechEncoder(Moonshine(config), cut)
    from audio2mesh.model import pretrained  # noqa: PLC0415  takes seconds

    return SpeechEncoder(pretrained.empty_network(config), cut)


def _as_one(kernels: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """Hop and receptive field in samples of unpadded convolutions in a row."""
    hop, receptive_field = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        receptive_field += (kernel - 1) * hop
        hop *= stride
    return hop, receptive_field


def _zero_mean_unit_variance(audio: Tensor) -> Tensor:
    """As Wav2Vec2FeatureExtractor does."""
    centred = audio - audio.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-7).sqrt()
