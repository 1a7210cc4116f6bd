"""Weights on disk: encoder, decoder, vertex map and training record in one safetensors file."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.model.decoder import DecoderOptions
from audio2mesh.model.encoder import EncoderSpec, build_encoder
from audio2mesh.model.speech_to_motion import ModelOptions, SpeechToMotion, WindowOptions
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

FORMAT = "voicesplat-audio2mesh-1"
_SHIPPED = "anny_head.safetensors"
_KEYS = ("format", "topology", "styles", "encoder", "options", "training")


def save_model(model: SpeechToMotion, path: Path, training: Mapping[str, Any]) -> None:
    """Write the weights in half precision; `training` says how they were made."""
    tensors = {name: _halved(t) for name, t in model.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "topology": model.topology,
        "styles": json.dumps(model.styles),
        "encoder": json.dumps(asdict(model.encoder.spec)),
        "options": json.dumps(asdict(model.options)),
        "training": json.dumps(training),
    }
    write_tensors(tensors, path, metadata)


def load_model(path: Path | None = None, device: torch.device | str = "cpu") -> SpeechToMotion:
    """Open weights, by default the ones that ship with the package, ready for use on `device`.

    FileNotFoundError if there is no such file; InputError if it is no safetensors file, lacks a
    part of its metadata, or its tensors do not have the shapes that the metadata ask for.
    """
    if path is None:
        with as_file(files("audio2mesh").joinpath("weights", _SHIPPED)) as shipped:
            return load_model(shipped, device)
    tensors, metadata = read_tensors(path)
    model = _build(path, metadata, tensors)
    return model.float().to(device).eval()


def training_record(path: Path) -> dict[str, Any]:
    """What the weights say of their own training."""
    return json.loads(_checked(path, read_tensors(path)[1])["training"])


def _halved(tensor: Tensor) -> Tensor:
    return tensor.half().contiguous() if tensor.is_floating_point() else tensor.contiguous()


def _checked(path: Path, metadata: dict[str, str]) -> dict[str, str]:
    if missing := [key for key in _KEYS if key not in metadata]:
        raise InputError(f"{path}: not VoiceSplat motion weights, the metadata lack {missing[0]!r}")
    if metadata["format"] != FORMAT:
        raise InputError(f"{path}: format {metadata['format']!r} is not known, {FORMAT!r} is")
    return metadata


def _build(path: Path, metadata: dict[str, str], tensors: dict[str, Tensor]) -> SpeechToMotion:
    _checked(path, metadata)
    try:
        model = _empty_model(metadata, tensors)
        wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise InputError(f"{path}: the weights' metadata are damaged ({error})") from error
    for name, shape in wanted.items():
        if name not in tensors or tensors[name].shape != shape:
            found = tuple(tensors[name].shape) if name in tensors else "missing"
            raise InputError(f"{path}: tensor {name!r} is {found}, expected {tuple(shape)}")
    model.load_state_dict({name: tensors[name].float() for name in wanted})
    return model


def _empty_model(metadata: dict[str, str], tensors: dict[str, Tensor]) -> SpeechToMotion:
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
