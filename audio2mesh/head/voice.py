"""What the network is told of a voice, in the frames of head motion."""

import numpy as np
import torch
from torch import Tensor

from audio2mesh.prosody.record import FRAMES_PER_SECOND, Floats, Prosody

FPS = 25
"""Frames of head motion a second."""
FEATURES = ("pitch", "slope", "energy", "voiced", "speaking", "left", "known")

_PITCH, _SLOPE, _ENERGY, _LEFT = 5.0, 30.0, 20.0, 2.0
"""Semitones, semitones a second, dB and seconds that count as one."""
_STEP = FRAMES_PER_SECOND // FPS


def voice_features(prosody: Prosody, frames: int) -> Tensor:
    """[F, FEATURES] of the first frames of a recording; all zero beyond its end.

    Pitch and its slope are 0 where nothing is voiced; `left` is the time to the end of the phrase.
    """
    pitch = np.nan_to_num(prosody.pitch)
    slope = np.diff(prosody.pitch, append=np.nan) * FRAMES_PER_SECOND
    columns = (
        pitch / _PITCH,
        np.clip(np.nan_to_num(slope) / _SLOPE, -3, 3),
        1 + prosody.energy / _ENERGY,
        ~np.isnan(prosody.pitch),
        prosody.speaking,
        _left(prosody) / _LEFT,
        np.ones(len(prosody)),
    )
    rows = np.stack(columns, 1).astype(np.float32)  # [T, FEATURES]
    rows = rows[: frames * _STEP]
    rows = np.pad(rows, ((0, frames * _STEP - len(rows)), (0, 0)))
    return torch.from_numpy(rows.reshape(frames, _STEP, len(FEATURES)).mean(1))


def unheard(frames: int) -> Tensor:
    """[F, FEATURES] of frames whose sound is not known."""
    return torch.zeros(frames, len(FEATURES))


def _left(prosody: Prosody) -> Floats:
    """Seconds [T] to the end of the phrase, at most `_LEFT`; 0 outside of phrases."""
    left = np.zeros(len(prosody))
    for phrase in prosody.phrases:
        first, last = (round(t * FRAMES_PER_SECOND) for t in (phrase.start, phrase.end))
        left[first:last] = np.arange(last - first, 0, -1)[: len(left[first:last])]
    return np.minimum(left / FRAMES_PER_SECOND, _LEFT)
