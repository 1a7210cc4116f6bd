"""Joint training: the learned losses, and the device that can compute them."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.lipreading import load_lipreader
from audio2mesh.sync import load_syncnet, sync_critic
from audio2mesh.training.distributed import local_rank
from audio2mesh.training.losses import Critic
from audio2mesh.training.run import CriticFactory
from avatar.heads import Head
from avatar.lipreading.critic import Teacher, lipreading_critic, truth_teacher
from avatar.lipreading.render import MouthRenderer, mouth_renderer
from avatar.lipreading.videos import load_mouth_videos, video_teacher
from common.device import Device, no_problem, pick_device
from common.errors import InputError
from configs.options import CriticOptions
from splat import why_not_gsplat


def training_device(name: Device, lipreading: bool) -> torch.device:
    """The device of a training; where mouths are drawn (`lipreading`), one that can draw them.

    InputError where none can.
    """
    return pick_device(name, why_not_gsplat if lipreading else no_problem, local_rank())


def critic_factories(options: CriticOptions, head: Head) -> Mapping[str, CriticFactory]:
    """How to make each learned loss, by the name of its weight in LossWeights."""

    def sync(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        return sync_critic(load_syncnet(options.syncnet, "loss", device), face.to(device), fps)

    def lipreading(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        if len(face.rest) != len(head.vertices) or fps != 25:
            raise InputError(
                f"the lip-reading loss draws the mouth of {head.topology} at 25 fps; leave "
                "--train.losses.lipreading at 0 for other data"
            )
        render = mouth_renderer(head, device)
        rest = face.rest.to(device)
        teacher = pick_teacher(options.teacher, render, rest)
        net = load_lipreader(options.lipreader, device)
        return lipreading_critic(net, render, rest, teacher, options.lipreading)

    return {"sync": sync, "lipreading": lipreading}


def pick_teacher(given: str, render: MouthRenderer, rest: torch.Tensor) -> Teacher:
    """The teacher that an option names. InputError if there is none."""
    if given == "truth":
        return truth_teacher(render, rest)
    if not Path(given).is_dir():
        raise InputError(f"--teacher {given}: give 'truth' or an existing folder of films")
    return video_teacher(load_mouth_videos(Path(given)))


def critic_record(options: CriticOptions) -> dict[str, Any]:
    """The record of the critics in the weights; of files only their names."""
    return {
        name: Path(value).name if isinstance(value, str | Path) else value
        for name, value in asdict(options).items()
    }
