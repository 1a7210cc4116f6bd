"""Weights on disk: encoder, decoder, vertex map and training record in one safetensors file."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.model.encoder import EncoderSpec, build_encoder
from audio2mesh.model.options import SHIPPED, DecoderOptions, ModelOptions, WindowOptions
from audio2mesh.model.speech_to_motion import SpeechToMotion
from common.network_files import load_network, save_network

FORMAT = "voicesplat-audio2mesh-1"
_FORMER = ("encoder.net.layer_norm.weight",)


def save_model(model: SpeechToMotion, path: Path, training: Mapping[str, Any]) -> None:
    """Write the weights in half precision; `training` says how they were made."""
    save_network(
        model,
        path,
        FORMAT,
        topology=model.topology,
        styles=model.styles,
        encoder=asdict(model.encoder.spec),
        options=asdict(model.options),
        training=training,
    )


def load_model(path: Path | None = None, device: torch.device | str = "cpu") -> SpeechToMotion:
    """Open weights, by default the ones that ship with the package, ready for use on `device`.

    FileNotFoundError or InputError as `load_network` raises them.
    """
    with as_file(path or files("audio2mesh").joinpath("weights", SHIPPED)) as found:
        net = load_network(found, FORMAT, "speech-to-motion weights", _build, _FORMER)
    return net.to(device)


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> SpeechToMotion:
    spec, options = json.loads(metadata["encoder"]), json.loads(metadata["options"])
    encoder = EncoderSpec(spec["config"], tuple(spec["layers"]), spec["normalise"])
    return SpeechToMotion(
        build_encoder(encoder),
        torch.zeros(tensors["basis"].shape),
        metadata["topology"],
        tuple(json.loads(metadata["styles"])),
        ModelOptions(
            **{
                **options,
                "window": WindowOptions(**options["window"]),
                "decoder": DecoderOptions(**options["decoder"]),
            }
        ),
    )
