"""The lip-reading loss as training options name it."""

from pathlib import Path

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.lipreading.network import load_lipreader
from audio2mesh.training.losses import Critic
from avatar.heads import Head
from common.errors import InputError
from configs.options import CriticOptions
from research.lipreading.critic import Teacher, lipreading_critic, truth_teacher
from research.lipreading.render import MouthRenderer, mouth_renderer
from research.lipreading.videos import load_mouth_videos, video_teacher


def lipreading_loss_of(
    options: CriticOptions, head: Head, face: FaceGeometry, fps: int, device: torch.device
) -> Critic:
    """The loss for clips of a face. InputError where it is not the head that can be drawn, or the
    teacher is none."""
    if len(face.rest) != len(head.vertices) or fps != 25:
        raise InputError(
            f"the lip-reading loss draws the mouth of {head.topology} at 25 fps; leave "
            "--train.losses.lipreading at 0 for other data"
        )
    render = mouth_renderer(head, device)
    rest = face.rest.to(device)
    teacher = _teacher(options.teacher, render, rest)
    net = load_lipreader(options.lipreader, device)
    return lipreading_critic(net, render, rest, teacher)


def _teacher(given: str, render: MouthRenderer, rest: torch.Tensor) -> Teacher:
    """The teacher that an option names. InputError if there is none."""
    if given == "truth":
        return truth_teacher(render, rest)
    if not Path(given).is_dir():
        raise InputError(f"--teacher {given}: give 'truth' or an existing folder of films")
    return video_teacher(load_mouth_videos(Path(given)))
