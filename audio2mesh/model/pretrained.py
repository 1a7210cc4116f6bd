"""Networks of transformers, opened or built.

This is the only file that knows transformers. Importing that takes seconds, so nothing imports this
file before it needs it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
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

NETWORKS: dict[str, type[PreTrainedModel]] = {
    "wav2vec2": Wav2Vec2Model,
    "hubert": HubertModel,
    "wavlm": WavLMModel,
    "moonshine": MoonshineEncoder,
}


def open_config(source: str | Path) -> dict[str, Any]:
    """The configuration in a folder or under a name on the Hugging Face hub, or OSError."""
    config = cast(PretrainedConfig, AutoConfig.from_pretrained(source)).to_dict()
    config.pop("_name_or_path", None)  # a path on the machine that opened it
    return config


def open_network(source: str | Path, config: Mapping[str, Any]) -> PreTrainedModel:
    """The encoder of a source that has this configuration, or OSError."""
    family = config["model_type"]
    if family == "moonshine" and config["architectures"] != ["MoonshineEncoder"]:
        return AutoModel.from_pretrained(source, dtype=torch.float32).get_encoder()
    return NETWORKS[family].from_pretrained(source, dtype=torch.float32)


def wants_normalised(source: str | Path, family: str) -> bool:
    """Whether a source asks for input of zero mean and unit variance."""
    try:
        return bool(Wav2Vec2FeatureExtractor.from_pretrained(source).do_normalize)
    except OSError:  # a folder without a feature extractor
        return family != "moonshine"


def empty_network(config: Mapping[str, Any]) -> PreTrainedModel:
    """The network of a configuration, untrained."""
    known = AutoConfig.for_model(**config)
    return NETWORKS[known.model_type](known)
