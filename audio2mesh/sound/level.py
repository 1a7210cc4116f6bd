"""Loudness: speech is brought to one level before it is encoded."""

from torch import Tensor

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
