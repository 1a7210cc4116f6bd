"""Windows of 0.2 s: 20 steps of log-mel against 5 points of motion, whatever the frame rate."""

import torch
from torch import Tensor

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import MEL_HOP

WINDOW_SECONDS = 0.2
POINTS = 5
"""Points in time at which a window sees the motion."""
STEPS = round(WINDOW_SECONDS * SAMPLE_RATE / MEL_HOP)
"""Steps of log-mel of one window."""
SPEECH_DEPTH = 9.0
"""A mel step this many nepers of power (39 dB) under the level of its recording is silence."""
QUIET = -0.66
"""Levelled log-mel whose loudest band is below this is no speech."""
_LEVEL_SHARE = 0.95
_QUIETEST_LEVEL = -5.0  # natural logarithm of a mel energy: quieter recordings stay quiet


def window_frames(fps: float) -> int:
    """Frames of one window: 5 at 25 fps, 6 at 30."""
    return max(2, round(WINDOW_SECONDS * fps))


def motion_windows(curves: Tensor, fps: float) -> Tensor:
    """Curves [.., F, K] → windows [.., W, 5, K]; window w begins with frame w, W = F - frames + 1.

    Other rates than 25 fps are interpolated linearly to the 5 points.
    """
    frames = window_frames(fps)
    assert curves.shape[-2] >= frames
    windows = curves.unfold(-2, frames, 1)  # [.., W, K, n]
    return (windows @ _interpolation(frames).to(curves)).transpose(-1, -2)


def _interpolation(frames: int) -> Tensor:
    """Matrix [n, 5] of linear interpolation from n frame centres to the 5 points."""
    at = ((torch.arange(POINTS) + 0.5) * frames / POINTS - 0.5).clamp(0, frames - 1)
    return (1 - (torch.arange(frames)[:, None] - at).abs()).clamp_min(0)


def mel_windows(mel: Tensor, fps: float, count: int) -> Tensor:
    """Log-mel [.., T, 80] → windows [.., count, 20, 80]; window w begins with video frame w."""
    assert mel.shape[-2] >= STEPS
    starts = (torch.arange(count) * SAMPLE_RATE / MEL_HOP / fps).round().long()
    starts = starts.clamp(max=mel.shape[-2] - STEPS).to(mel.device)
    return mel[..., starts[:, None] + torch.arange(STEPS, device=mel.device), :]


def level_mel(mel: Tensor) -> Tensor:
    """Log-mel [.., T, 80] relative to the loudest twentieth of its recording, in [-1, 1]."""
    loudest = mel.float().amax(-1).quantile(_LEVEL_SHARE, dim=-1).clamp_min(_QUIETEST_LEVEL)
    relative = (mel - loudest[..., None, None].to(mel)).clamp(-SPEECH_DEPTH, SPEECH_DEPTH)
    return relative / SPEECH_DEPTH


def speech_windows(windows: Tensor) -> Tensor:
    """Which windows [.., 20, 80] of levelled log-mel hold at least 50 ms of speech, [..] bool."""
    return (windows.amax(-1) > QUIET).sum(-1) >= 5
