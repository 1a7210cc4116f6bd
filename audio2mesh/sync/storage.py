"""SyncNet3D on disk: one safetensors file in half precision, with its role and training record."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.sync.network import Role, SyncNet3D, SyncNetOptions
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

FORMAT = "voicesplat-syncnet3d-1"


def save_syncnet(net: SyncNet3D, path: Path, training: Mapping[str, Any]) -> None:
    """Write the network; `training` says how it was made."""
    metadata = {
        "format": FORMAT,
        "role": net.role,
        "options": json.dumps(asdict(net.options)),
        "training": json.dumps(training),
    }
    tensors = {name: t.detach().cpu().half().contiguous() for name, t in net.state_dict().items()}
    write_tensors(tensors, path, metadata)


def load_syncnet(
    path: Path | None = None, role: Role = "loss", device: torch.device | str = "cpu"
) -> SyncNet3D:
    """Open a frozen SyncNet3D, by default the shipped one of that role.

    The file must have been trained for the role: InputError for the other one, so that what
    measures the results can never be what they were trained with. InputError or FileNotFoundError
    also if it is no SyncNet3D file.
    """
    if path is None:
        shipped = files("audio2mesh").joinpath("weights", f"sync_{role}.safetensors")
        with as_file(shipped) as found:
            return load_syncnet(found, role, device)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: not a SyncNet3D file; scripts/train_syncnet.py makes them")
    if metadata.get("role") != role:
        raise InputError(
            f"{path}: this SyncNet3D was trained for {metadata.get('role')}, not for {role}; "
            "the network that measures results must not be the one they are trained with"
        )
    return _build(path, tensors, metadata, role).to(device).eval().requires_grad_(False)


def _build(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str], role: Role
) -> SyncNet3D:
    try:
        options = SyncNetOptions(**json.loads(metadata["options"]))
        net = SyncNet3D(tensors["lips_rest"], tensors["directions"], role, options)
        net.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: the SyncNet3D file is damaged ({reason})") from error
    return net.float()
