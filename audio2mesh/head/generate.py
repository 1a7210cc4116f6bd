"""A voice → the motion of a head, window after window, each going on from the one before."""

import torch
from torch import Tensor

from audio2mesh.head.network import CONTEXT, WINDOW, PoseNet

HOP = WINDOW - CONTEXT
"""Frames from a window's first new frame to that of the next."""


@torch.no_grad()
def head_motion(net: PoseNet, voice: Tensor, take: int) -> Tensor:
    """Yaw, pitch and roll [F, 3] in degrees for a voice [F, FEATURES]; a take repeats itself.

    The first window has nothing before it. Beyond its end the voice is not known.
    """
    net.eval()
    generator = torch.Generator().manual_seed(take)
    frames, like = len(voice), net.deviation
    voice = torch.nn.functional.pad(voice, (0, 0, 0, WINDOW)).to(like)
    before, known = like.new_zeros(1, CONTEXT, 3), like.new_zeros(1)
    made: list[Tensor] = []
    start = 0  # of the next window
    while start < max(frames - CONTEXT, 1):
        code = torch.randn(1, net.options.latent, generator=generator).to(like)
        decoded = net.decode(code, before, known, voice[None, start : start + WINDOW])
        made.append(decoded[0, CONTEXT if made else 0 :])
        before, known = decoded[:, -CONTEXT:], like.new_ones(1)
        start += HOP
    return (torch.cat(made)[:frames] * like).cpu()
