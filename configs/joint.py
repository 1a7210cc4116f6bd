"""Joint training: the options of the learned losses, and how they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.lipreading import load_lipreader
from audio2mesh.sync import load_syncnet, sync_critic
from audio2mesh.training.critic import Critic
from audio2mesh.training.run import CriticFactory, FitOptions
from avatar.heads import Head
from avatar.lipreading.critic import (
    LipReadingOptions,
    Teacher,
    lipreading_critic,
    truth_teacher,
)
from avatar.lipreading.render import MouthRenderer, mouth_renderer
from avatar.lipreading.videos import load_mouth_videos, video_teacher
from common.errors import InputError

TRUTH = "truth"


@dataclass(frozen=True)
class JointOptions(FitOptions):
    """Train speech-to-motion weights on clips of speech with face motion, or score weights."""

    syncnet: Path | None = None
    """SyncNet3D that judges where --train.losses.sync is set; by default the one that ships."""
    lipreader: Path | None = None
    """Lip reader that judges where --train.losses.lipreading is set; by default the shipped one."""
    teacher: str = TRUTH
    """Whose mouth the lip reader compares with: "truth", the true motion, or a folder of films of
    any talking face, named like the clips."""
    lipreading: LipReadingOptions = field(default_factory=LipReadingOptions)
    """What the lip reader sees of a batch."""


def critic_factories(options: JointOptions, head: Head) -> Mapping[str, CriticFactory]:
    """How to make each learned loss, by the name of its weight in LossWeights."""

    def sync(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        return sync_critic(load_syncnet(options.syncnet, "loss", device), face.to(device), fps)

    def lipreading(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        if len(face.rest) != len(head.vertices) or fps != 25:
            raise InputError(
                f"the lip-reading loss draws the mouth of {head.topology} at 25 fps; leave "
                "--train.losses.lipreading at 0 for other data"
            )
        render, rest = mouth_renderer(head, device), face.rest.to(device)
        net = load_lipreader(options.lipreader, device)
        teacher = pick_teacher(options.teacher, render, rest)
        return lipreading_critic(net, render, rest, teacher, options.lipreading)

    return {"sync": sync, "lipreading": lipreading}


def pick_teacher(given: str, render: MouthRenderer, rest: torch.Tensor) -> Teacher:
    """The teacher that an option names. InputError if there is none."""
    if given == TRUTH:
        return truth_teacher(render, rest)
    if not Path(given).is_dir():
        raise InputError(f"--teacher {given}: give {TRUTH!r} or an existing folder of films")
    return video_teacher(load_mouth_videos(Path(given)))
