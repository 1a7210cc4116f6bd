"""A whole training run of head motion: read tracks, train with progress, measure, write."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from audio2mesh.head.measures import PoseScores, pose_scores
from audio2mesh.head.options import PoseFitOptions
from audio2mesh.head.storage import save_pose_net
from audio2mesh.head.task import PoseTask, new_net
from audio2mesh.head.tracks import PoseTrack, split_tracks
from audio2mesh.head.voice import FPS
from audio2mesh.training.distributed import process_group, rank
from audio2mesh.training.trainer import Trainer, train
from common.training_loop import course, state_path


def fit_pose(options: PoseFitOptions, device: torch.device) -> PoseScores | None:
    """Train and write `options.out`; returns the scores of the held-out tracks, if there are.

    Of several processes the first one scores and writes.
    """
    with process_group(device):
        return _fit(options, device)


def _fit(options: PoseFitOptions, device: torch.device) -> PoseScores | None:
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
        "train": course(options.train),
    }
