"""SyncNet3D as a training loss."""

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.sync.network import SyncNet3D
from audio2mesh.sync.windows import level_mel, mel_windows, speech_windows, window_frames
from audio2mesh.training.critic import Batch, Critic
from common.errors import InputError


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
        heard = speech_windows(windows) & _inside(batch.times, window_frames(fps))  # [B, W]
        apart = 1 - (mouth * sound).sum(-1)
        return (apart * heard).sum() / heard.sum().clamp_min(1)

    return critic


def _inside(times: Tensor, frames: int) -> Tensor:
    """Windows [B, W] whose frames, at times [B, F], all lie in the recording."""
    return times.isfinite().unfold(1, frames, 1).all(-1)
