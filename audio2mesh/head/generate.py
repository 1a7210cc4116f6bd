"""A voice → the motion of a head, window after window, each going on from the one before."""

import torch
from torch import Tensor

from audio2mesh.head.network import CONTEXT, WINDOW, PoseNet

MARGIN = 10
"""Frames at a window's end that are cross-faded into the next, which knows what follows."""
HOP = WINDOW - CONTEXT - MARGIN
"""Frames from a window's first new frame to that of the next."""

_OVERLAP = CONTEXT + MARGIN
_BLEND = 25  # frames over which a window returns to what was decoded


@torch.no_grad()
def head_motion(net: PoseNet, voice: Tensor, take: int) -> Tensor:
    """Yaw, pitch and roll [F, 3] in degrees for a voice [F, FEATURES]; a take repeats itself.

    The first window has nothing before it. Beyond its end the voice is not known.
    """
    net.eval()
    generator = torch.Generator().manual_seed(take)
    frames, like = len(voice), net.deviation
    voice = torch.nn.functional.pad(voice, (0, 0, 0, WINDOW)).to(like)
    tail, known = like.new_zeros(1, _OVERLAP, 3), like.new_zeros(1)
    made: list[Tensor] = []
    start = 0  # of the next window
    while start < max(frames - CONTEXT, 1):
        told = tail[:, :CONTEXT], known, voice[None, start : start + WINDOW]
        drawn = torch.randn(1, net.options.latent, generator=generator).to(like)
        decoded = net.decode(net.expect(*told).at(drawn), *told)
        decoded = joined_on(tail, decoded) if made else decoded
        made.append(decoded[0, CONTEXT if made else 0 : WINDOW - MARGIN])
        tail, known = decoded[:, HOP:], like.new_ones(1)
        start += HOP
    return (torch.cat(made)[:frames] * like).cpu()


def joined_on(tail: Tensor, made: Tensor) -> Tensor:
    """Windows [B, WINDOW, 3] that start as the one before ended, the last frames of which [B,
    CONTEXT + MARGIN, 3] are those times' first ones.

    Place and speed are brought near it and return to their own; what is apart then is cross-faded.
    """
    t = torch.arange(WINDOW, device=made.device, dtype=made.dtype)[:, None]
    apart = (tail - made[:, :_OVERLAP])[:, CONTEXT:]
    line = t[CONTEXT:_OVERLAP] - (CONTEXT + _OVERLAP - 1) / 2
    slope = (apart * line).sum(1, keepdim=True) / line.square().sum()
    moved = apart.mean(1, keepdim=True) + slope * (t - (CONTEXT + _OVERLAP - 1) / 2)
    near = made + moved * (1 - _smoothstep((t - _OVERLAP) / _BLEND))
    share = _smoothstep((t[:_OVERLAP] - CONTEXT + 0.5) / MARGIN)
    return torch.cat([torch.lerp(tail, near[:, :_OVERLAP], share), near[:, _OVERLAP:]], 1)


def _smoothstep(t: Tensor) -> Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
