"""The lip-reading loss as training options name it."""

from pathlib import Path

import torch

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.lipreading.network import load_lipreader
from audio2mesh.training.losses import Critic
from avatar.heads import Head
from common.errors import InputError
from configs.options import CriticOptions
from research.lipreading.critic import lipreading_critic, truth_teacher
from research.lipreading.render import mouth_renderer
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
    if options.teacher == "truth":
        teacher = truth_teacher(render, rest)
    elif Path(options.teacher).is_dir():
        teacher = video_teacher(load_mouth_videos(Path(options.teacher)))
    else:
        raise InputError(
            f"--teacher {options.teacher}: give 'truth' or an existing folder of films"
        )
    return lipreading_critic(load_lipreader(options.lipreader, device), render, rest, teacher)
