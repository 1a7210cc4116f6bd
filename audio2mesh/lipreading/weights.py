"""The lip reader on disk."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.lipreading.network import LipReadNet
from audio2mesh.lipreading.options import LipReadOptions
from common.network_files import load_network, save_network

FORMAT = "voicesplat-lipreader-1"
_SHIPPED = "lipreader.safetensors"


def save_lipreader(net: LipReadNet, path: Path, training: Mapping[str, Any]) -> None:
    """Write the weights in half precision; `training` says how they were made."""
    save_network(net, path, FORMAT, options=asdict(net.options), training=training)


def load_lipreader(path: Path | None = None, device: torch.device | str = "cpu") -> LipReadNet:
    """Open a lip reader, by default the one that ships, frozen and ready for use on `device`.

    FileNotFoundError or InputError as `load_network` raises them.
    """
    with as_file(path or files("audio2mesh").joinpath("weights", _SHIPPED)) as found:
        net = load_network(found, FORMAT, "lip reader", _build)
    return net.to(device).requires_grad_(False)


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> LipReadNet:
    return LipReadNet(LipReadOptions(**json.loads(metadata["options"])))
