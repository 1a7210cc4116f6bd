"""A whole training run of head motion: read tracks, train with progress, measure, and write the
network to one safetensors file in half precision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.pose_vae.measures import PoseScores, pose_scores
from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.pose_vae.options import PoseFitOptions, PoseNetOptions
from audio2mesh.pose_vae.task import PoseTask, new_net
from audio2mesh.pose_vae.tracks import FPS, PoseTrack, split_tracks
from audio2mesh.training.distributed import process_group, rank
from audio2mesh.training.trainer import Trainer, train
from common.network_files import load_network, save_network
from common.training_loop import run_options, state_path

FORMAT = "voicesplat-head-1"


def save_pose_net(net: PoseNet, path: Path, training: Mapping[str, Any]) -> None:
    """Write the network; `training` says how it was made."""
    save_network(net, path, FORMAT, options=dict(vars(net.options)), training=training)


def load_pose_net(path: Path) -> PoseNet:
    """Open a network of head motion. Raises as `load_network` does."""
    return load_network(path, FORMAT, "network of head motion", _build)


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> PoseNet:
    return PoseNet(tensors["deviation"], PoseNetOptions(**json.loads(metadata["options"])))


def fit_pose(options: PoseFitOptions, device: torch.device) -> PoseScores | None:
    """Train and write `options.out`; returns the scores of the held-out tracks, if there are.

    Of several processes the first one scores and writes.
    """
    with process_group(device):
        tracks, held = split_tracks(options.data, options.held_out)
        net = new_net(tracks, options.net, options.train.seed).to(device)
        trainer = Trainer(PoseTask(net, tracks, options.train), options.train)
        record = _record(options, tracks, held)
        train(trainer, options.out, record)
        if rank() > 0:
            return None
        net = net.cpu()
        scores = pose_scores(net, held) if held else None
        save_pose_net(net, options.out, {**record, "scores": asdict(scores) if scores else {}})
        state_path(options.out).unlink(missing_ok=True)
        return scores


def _record(
    options: PoseFitOptions, tracks: Sequence[PoseTrack], held: Sequence[PoseTrack]
) -> dict[str, Any]:
    """What the weights say of their training, and what a continued run must agree with."""
    return {
        "tracks": [track.name for track in tracks],
        "held_out": [track.name for track in held],
        "seconds": round(sum(len(track.angles) for track in tracks) / FPS, 1),
        "heard_seconds": round(sum(float(track.voice[:, -1].sum()) for track in tracks) / FPS, 1),
        "net": asdict(options.net),
        "train": run_options(options.train),
    }
