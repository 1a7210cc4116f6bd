"""A whole training run of head motion: read tracks, train with progress, measure, and write the
network to one safetensors file in half precision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh.pose_vae.network import CONTEXT, WINDOW, PoseNet
from audio2mesh.pose_vae.options import PoseFitOptions, PoseNetOptions
from audio2mesh.pose_vae.task import PoseTask, Window, new_net, window
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


@dataclass(frozen=True)
class PoseScores:
    """How a network does on tracks; nan where they are too short or have no sound."""

    error: float
    """degrees, root mean square, of motion whose sound is known, encoded and decoded again"""
    shuffled: float
    """the same, decoded with the voice of another window"""


def pose_scores(net: PoseNet, tracks: Sequence[PoseTrack]) -> PoseScores:
    """Measure a network on tracks."""
    net.eval()
    heard = [w for w in windows(tracks) if (w[1][:, -1:] == w[2]).all()]
    others = heard[len(heard) // 2 :] + heard[: len(heard) // 2]
    return PoseScores(
        error=reconstruction_error(net, heard, heard),
        shuffled=reconstruction_error(net, heard, others if len(heard) > 1 else []),
    )


def windows(tracks: Sequence[PoseTrack]) -> list[Window]:
    """Angles, voice and which frames are real: a window every second of tracks."""
    starts = [(t, s) for t in tracks for s in range(0, max(1, len(t.angles) - WINDOW + 1), FPS)]
    return [window(track, start) for track, start in starts]


@torch.no_grad()
def reconstruction_error(net: PoseNet, true: Sequence[Window], others: Sequence[Window]) -> float:
    """Degrees, root mean square over the new frames of windows that are encoded with their own
    voice and decoded with that of the others; nan without any."""
    squares: list[Tensor] = []
    for (angles, voice, real), (_, other, _) in zip(true, others, strict=False):
        own = (angles / net.deviation)[None]
        code = net.encode(own, voice[None]).mean
        made = net.decode(code, own[:, :CONTEXT], torch.ones(1), other[None])
        apart = (made[0] * net.deviation - angles)[CONTEXT:]
        squares.append(apart[real[CONTEXT:, 0] > 0].square().flatten())
    return float(torch.cat(squares).mean().sqrt()) if squares else float("nan")


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
