"""Speech encoders: waveform → hidden states, for any of four families of transformers models.

This is the only file that knows transformers. An encoder is described by its configuration (a plain
dictionary), the blocks whose outputs are used and whether it wants its input normalised; with its
weights these rebuild it without any download.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, assert_never, cast, get_args

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    HubertModel,
    PretrainedConfig,
    PreTrainedModel,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMModel,
)
from transformers.models.moonshine.modeling_moonshine import MoonshineEncoder

from audio2mesh.sound import SAMPLE_RATE
from common.errors import InputError

Family = Literal["wav2vec2", "hubert", "wavlm", "moonshine"]

_captured: ContextVar[dict[int, Tensor] | None] = ContextVar("_captured", default=None)
"""Layer: its states, of the call that this thread is in."""


@dataclass(frozen=True)
class EncoderSpec:
    """All that rebuilds an encoder's architecture."""

    config: dict[str, Any]  # the transformers configuration, `model_type` among it
    layers: tuple[int, ...]  # blocks whose outputs are used, from 1; 0 is the first block's input
    normalise: bool  # input shifted and scaled to zero mean and unit variance


class SpeechEncoder(nn.Module):
    """Hidden states of a speech encoder, cut off above the highest block that is used.

    Always in evaluation mode: it is a fixed feature extractor. Several threads may call it at once.
    """

    def __init__(self, net: PreTrainedModel, layers: tuple[int, ...], normalise: bool) -> None:
        super().__init__()
        family = _family(net.config)
        available = len(_blocks(net, family))
        if not layers or min(layers) < 0 or max(layers) > available:
            raise InputError(
                f"the encoder has blocks 0 to {available}, but layers {layers} are asked for"
            )
        _cut(net, family, max(layers))
        self.net = net.eval().requires_grad_(False)
        _capture(_blocks(net, family), layers)
        self.family: Family = family
        self.layers = layers
        self.normalise = normalise
        self.hop, self.receptive_field = _convolution_arithmetic(net.config, family)

    @property
    def width(self) -> int:
        """Channels of one hidden state."""
        return self.net.config.hidden_size

    @property
    def spec(self) -> EncoderSpec:
        config = self.net.config.to_diff_dict()
        config.pop("_name_or_path", None)  # a path on the machine that opened it
        return EncoderSpec(config, self.layers, self.normalise)

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
        captured: dict[int, Tensor] = {}
        token = _captured.set(captured)
        try:
            self.net(audio)
        finally:
            _captured.reset(token)
        states = torch.stack([captured[layer] for layer in self.layers], dim=2)
        assert states.shape[1] == self.steps(audio.shape[1]), "frame arithmetic is wrong"
        return states


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
    try:
        config = cast(PretrainedConfig, AutoConfig.from_pretrained(source))
        net = _open_network(source, config, _family(config))
    except OSError as error:
        raise OSError(
            f"{source}: no speech encoder could be opened here; give a folder that holds a"
            " transformers model or the name of one on the Hugging Face hub"
        ) from error
    return SpeechEncoder(net, layers, _wants_normalised(source, _family(config)))


def build_encoder(spec: EncoderSpec) -> SpeechEncoder:
    """The encoder's architecture with untrained weights."""
    config = AutoConfig.for_model(**spec.config)
    return SpeechEncoder(_network_class(_family(config))(config), spec.layers, spec.normalise)


def _family(config: PretrainedConfig) -> Family:
    name = config.model_type
    if name not in get_args(Family):
        known = ", ".join(get_args(Family))
        raise InputError(f"speech encoders of type {name!r} are not known here; use one of {known}")
    return cast(Family, name)


def _network_class(family: Family) -> type[PreTrainedModel]:
    match family:
        case "wav2vec2":
            return Wav2Vec2Model
        case "hubert":
            return HubertModel
        case "wavlm":
            return WavLMModel
        case "moonshine":
            return MoonshineEncoder
        case _:
            assert_never(family)


def _open_network(source: str | Path, config: PretrainedConfig, family: Family) -> PreTrainedModel:
    whole_moonshine = family == "moonshine" and config.architectures != ["MoonshineEncoder"]
    if whole_moonshine:
        return AutoModel.from_pretrained(source, dtype=torch.float32).get_encoder()
    return _network_class(family).from_pretrained(source, dtype=torch.float32)


def _wants_normalised(source: str | Path, family: Family) -> bool:
    try:
        return bool(Wav2Vec2FeatureExtractor.from_pretrained(source).do_normalize)
    except OSError:  # a folder without a feature extractor
        return family != "moonshine"


def _blocks(net: PreTrainedModel, family: Family) -> nn.ModuleList:
    owner: Any = net if family == "moonshine" else net.encoder
    return cast(nn.ModuleList, owner.layers)


def _cut(net: PreTrainedModel, family: Family, count: int) -> None:
    count = max(count, 1)  # the input of the first block is seen when that block runs
    owner: Any = net if family == "moonshine" else net.encoder
    owner.layers = owner.layers[:count]
    name = "encoder_num_hidden_layers" if family == "moonshine" else "num_hidden_layers"
    setattr(net.config, name, count)


def _convolution_arithmetic(config: PretrainedConfig, family: Family) -> tuple[int, int]:
    """Hop and receptive field in samples; unpadded convolutions in a row act as one."""
    if family == "moonshine":
        kernels, strides = (127, 7, 3), (64, 3, 2)
    else:
        kernels, strides = config.conv_kernel, config.conv_stride
    hop, receptive_field = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        receptive_field += (kernel - 1) * hop
        hop *= stride
    return hop, receptive_field


def _zero_mean_unit_variance(audio: Tensor) -> Tensor:
    """As Wav2Vec2FeatureExtractor does."""
    centred = audio - audio.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-7).sqrt()
