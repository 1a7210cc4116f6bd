"""Head motion by a network that learned it from people, in place of ours."""

from math import ceil

import torch

from audio2mesh.head.generate import head_motion
from audio2mesh.head.network import PoseNet
from audio2mesh.head.voice import FPS, voice_features
from audio2mesh.model.motion import sample_curves
from audio2mesh.prosody.record import Prosody
from avatar.mesh.vectors import Floats


def learned_head(net: PoseNet, prosody: Prosody, fps: float, frames: int, take: int) -> Floats:
    """Yaw, pitch and roll [F, 3] in degrees at the middles of a film's frames."""
    made = head_motion(net, voice_features(prosody, ceil(frames / fps * FPS) + 1), take)
    places = (torch.arange(frames, dtype=torch.float64) + 0.5) / fps * FPS - 0.5
    return sample_curves(made, places).double().numpy()
