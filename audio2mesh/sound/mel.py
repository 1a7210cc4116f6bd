"""Log-mel spectrogram (100 steps per second, 80 bands), and the level to which speech is normalised
before it is encoded."""

from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.sound import SAMPLE_RATE

MEL_HOP = 160
"""Samples from one step to the next."""
MEL_BANDS = 80
_SIZE = 400  # samples that one step sees
_FLOOR = 1e-5


def log_mel(audio: Tensor) -> Tensor:
    """Audio [.., S] at 16 kHz → natural logarithm of mel energies [.., S // 160, 80].

    Step t is centred on second (t + 0.5) / 100; beyond its ends the recording is silence.
    """
    pad = (_SIZE - MEL_HOP) // 2
    frames = functional.pad(audio, (pad, pad)).unfold(-1, _SIZE, MEL_HOP)  # [.., T, 400]
    window = torch.hann_window(_SIZE, device=audio.device, dtype=audio.dtype)
    power = torch.fft.rfft(frames * window, 512).abs().square()  # [.., T, 257]
    return (power @ mel_filters().to(power)).clamp_min(_FLOOR).log()


@cache
def mel_filters() -> Tensor:
    """Triangular filters [257, 80], evenly spaced from 0 to 8 kHz on O'Shaughnessy's mel scale."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MEL_BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.clip(np.minimum(rising, falling), 0, None)).float()


_BLOCK = 320  # samples, 20 ms
_TARGET_RMS = 0.08
_LARGEST_GAIN = 30.0  # so that the faint noise of a pause does not become loud noise


def normalise_level(audio: Tensor) -> Tensor:
    """Scale each [.., S] row so that its active speech has an RMS of 0.08.

    Active are the 20 ms blocks less than 20 dB under the row's 98th percentile, which a click does
    not move. A silent row stays silent.
    """
    usable = audio.shape[-1] // _BLOCK * _BLOCK
    power = audio[..., :usable].unflatten(-1, (-1, _BLOCK)).square().mean(-1)  # [.., blocks]
    loud = power.quantile(0.98, dim=-1, keepdim=True)
    active = (power >= 0.01 * loud).float()
    level = ((power * active).sum(-1) / active.sum(-1)).sqrt()  # [..]
    gain = (_TARGET_RMS / level.clamp_min(1e-9)).clamp_max(_LARGEST_GAIN)
    return audio * gain[..., None]
