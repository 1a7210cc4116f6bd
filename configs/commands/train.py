"""Train the networks."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.pose_vae.fit import fit_pose
from audio2mesh.pose_vae.options import PoseFitOptions
from audio2mesh.sync.critic import load_syncnet, sync_critic
from audio2mesh.sync.fit import fit_syncnet
from audio2mesh.sync.offsets import format_score
from audio2mesh.sync.options import SyncFitOptions
from audio2mesh.training.distributed import check_alone, leads, local_rank, process_group
from audio2mesh.training.losses import Critic
from audio2mesh.training.run import CriticFactory, Scores, fit, score_lines
from audio2mesh.training.tongue import fit_tongue
from avatar.heads import Head, load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from common.device import Device, no_problem, pick_device
from common.errors import InputError
from common.threads import use_threads
from common.training_loop import check_steps
from common.writable import check_writable
from configs.options import CriticOptions, TrainMotionOptions
from configs.verbs import HAS_RESEARCH
from splat import why_not_gsplat


def train_motion(options: TrainMotionOptions) -> None:
    train = options.fit.train
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    check_writable(options.out)
    if options.fit.tongue_only:
        check_alone("--tongue-only")
    device = training_device(options.fit.device, train.losses.lipreading > 0)
    with process_group(device):
        scores = _fitted(options, device)
    if leads():
        print("\n".join([*score_lines(scores), f"wrote {options.out}"]))


def _fitted(options: TrainMotionOptions, device: torch.device) -> Scores:
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)
    if options.fit.tongue_only:
        return fit_tongue(options.fit, options.out, to_common_basis(data), device)
    made, told = critic_factories(options.critics, head), critic_record(options.critics)
    return fit(options.fit, options.out, to_common_basis(data), made, device, told)


def training_device(name: Device, lipreading: bool) -> torch.device:
    """The device of a training; where mouths are drawn (`lipreading`), one that can draw them.

    InputError where none can, or where this is a wheel, which has no code for it.
    """
    if lipreading and not HAS_RESEARCH:
        raise InputError(
            "--train.losses.lipreading: its code is in a checkout of the repository alone; train "
            "there, or leave it at 0"
        )
    return pick_device(name, why_not_gsplat if lipreading else no_problem, local_rank())


def critic_factories(options: CriticOptions, head: Head) -> Mapping[str, CriticFactory]:
    """How to make each learned loss, by the name of its weight in LossWeights."""

    def sync(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        return sync_critic(load_syncnet(options.syncnet, "loss", device), face.to(device), fps)

    def lipreading(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        from research.lipreading.loss import lipreading_loss_of

        return lipreading_loss_of(options, head, face, fps, device)

    return {"sync": sync, "lipreading": lipreading}


def critic_record(options: CriticOptions) -> dict[str, Any]:
    """The record of the critics in the weights; of files only their names."""
    return {
        name: Path(value).name if isinstance(value, str | Path) else value
        for name, value in asdict(options).items()
    }


def train_sync(options: SyncFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    device, head = pick_device(options.device, index=local_rank()), load_head()
    scores = fit_syncnet(options, face_units(head), face_geometry(head), device)
    lines = [format_score(name, score) for name, score in scores.items()]
    if leads():
        print("\n".join([*lines, f"wrote {options.out}"]))


def train_pose(options: PoseFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_pose(options, pick_device(options.device, index=local_rank()))
    for name, value in asdict(scores).items() if scores else ():
        print(f"{name:>10} {value:.3g}")
    if leads():
        print(f"wrote {options.out}")
