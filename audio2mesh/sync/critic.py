"""SyncNet3D as a training loss, and on disk: one safetensors file in half precision, with its role
and training record."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.options import Role, SyncNetOptions
from audio2mesh.sync.windows import level_mel, mel_windows, speech_windows, window_frames
from audio2mesh.training.losses import Batch, Critic
from common.errors import InputError
from common.network_files import load_network, save_network


def sync_critic(net: SyncNet3D, face: FaceGeometry, fps: float) -> Critic:
    """A critic: the mean over all windows with speech of 1 - cosine of mouth and sound.

    Windows of silence, and those that reach beyond their recording, are left out. Only predicted
    motion and sound are looked at. InputError for the instance that is kept for evaluation.
    """
    if net.role != "loss":
        raise InputError("the SyncNet3D kept for evaluation must not be a training loss")
    net.eval().requires_grad_(False)

    def critic(batch: Batch) -> Tensor:
        mouth = net.embed_motion(batch.predicted, face, fps)  # [B, W, D]
        with torch.no_grad():
            windows = mel_windows(level_mel(batch.mel), fps, mouth.shape[1])
            sound = net.embed_level(windows)
        inside = batch.times.isfinite().unfold(1, window_frames(fps), 1).all(-1)
        heard = speech_windows(windows) & inside  # [B, W]
        apart = 1 - (mouth * sound).sum(-1)
        return (apart * heard).sum() / heard.sum().clamp_min(1)

    return critic


FORMAT = "voicesplat-syncnet3d-1"


def save_syncnet(net: SyncNet3D, path: Path, training: Mapping[str, Any]) -> None:
    """Write the network; `training` says how it was made."""
    save_network(net, path, FORMAT, role=net.role, options=asdict(net.options), training=training)


def load_syncnet(
    path: Path | None = None, role: Role = "loss", device: torch.device | str = "cpu"
) -> SyncNet3D:
    """Open a frozen SyncNet3D, by default the shipped one of that role.

    The file must have been trained for the role: InputError for the other one, so that what
    measures the results can never be what they were trained with. FileNotFoundError or InputError
    also as `load_network` raises them.
    """
    shipped = files("audio2mesh").joinpath("weights", f"sync_{role}.safetensors")
    with as_file(path or shipped) as found:
        net = load_network(found, FORMAT, "SyncNet3D", _build)
    if net.role != role:
        raise InputError(
            f"{path}: this SyncNet3D was trained for {net.role}, not for {role}; "
            "the network that measures results must not be the one they are trained with"
        )
    return net.to(device).requires_grad_(False)


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> SyncNet3D:
    options = SyncNetOptions(**json.loads(metadata["options"]))
    role = cast(Role, metadata["role"])
    return SyncNet3D(tensors["lips_rest"], tensors["directions"], role, options)
