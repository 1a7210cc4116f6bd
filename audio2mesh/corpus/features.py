"""What the phone recogniser hears: hidden states of the speech encoder and the log-mel spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.phones import PHONES, SILENCE, Phone
from audio2mesh.model.encoder import SpeechEncoder
from audio2mesh.model.speech_to_motion import interpolate_steps
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.level import normalise_level
from audio2mesh.sound.mel import MEL_BANDS, log_mel

RATE = 50
"""Steps per second."""
WINDOW = 8.0
"""Seconds that are heard at once."""
MARGIN = 1.0
"""Seconds at each end of a window that serve as context."""

_BATCH = 4


def feature_count(encoder: SpeechEncoder) -> int:
    return len(encoder.layers) * encoder.width + 2 * MEL_BANDS


@torch.no_grad()
def window_features(encoder: SpeechEncoder, audio: Tensor) -> Tensor:
    """Windows [B, S] of WINDOW seconds at 16 kHz → features [B, WINDOW * RATE, C]."""
    level = normalise_level(audio)
    states = encoder(level)  # [B, T, L, D]
    at = (torch.arange(round(WINDOW * RATE), dtype=torch.float64) + 0.5) / RATE
    heard = interpolate_steps(states, encoder.step_times(states.shape[1]), at).flatten(2)
    mel = log_mel(level).unflatten(1, (-1, 2)).flatten(2)  # two steps of 10 ms side by side
    mel = mel - mel.mean(1, keepdim=True).unflatten(2, (2, -1)).mean(2).repeat(1, 1, 2)
    return torch.cat([heard, mel.to(heard)], dim=2)


def recording_windows(audio: np.ndarray) -> Tensor:
    """A recording [S] as windows [W, S'] that overlap by two margins, silence beyond its ends."""
    hop, margin = round((WINDOW - 2 * MARGIN) * SAMPLE_RATE), round(MARGIN * SAMPLE_RATE)
    count = max(1, -(-len(audio) // hop))
    padded = np.zeros(count * hop + 2 * margin, np.float32)
    padded[margin : margin + len(audio)] = audio
    return torch.from_numpy(padded).unfold(0, round(WINDOW * SAMPLE_RATE), hop)


def encode_windows(encoder: SpeechEncoder, windows: Sequence[np.ndarray] | Tensor) -> Tensor:
    """Features [W, WINDOW * RATE, C] in half precision on the CPU, a few windows at a time."""
    stacked = windows if isinstance(windows, Tensor) else torch.from_numpy(np.stack(windows))
    parts = (part.to(encoder.device) for part in stacked.split(_BATCH))
    return torch.cat([window_features(encoder, part).half().cpu() for part in parts])


def step_labels(phones: Sequence[Phone], start: float, count: int) -> Tensor:
    """Rows in PHONES [count] at the steps from second `start` on; silence where no phone is."""
    times = start + (np.arange(count) + 0.5) / RATE
    labels = np.full(count, PHONES.index(SILENCE))
    if phones:
        starts = np.array([phone.start for phone in phones])
        rows = np.array([PHONES.index(phone.label) for phone in phones])
        at = np.searchsorted(starts, times, "right") - 1
        inside = (at >= 0) & (times < phones[-1].end)
        labels[inside] = rows[at[inside]]
    return torch.from_numpy(labels)
