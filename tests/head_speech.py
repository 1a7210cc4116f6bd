"""What the shipped weights make of the demo voice, as motion of anny-head."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh import load_model, stream_audio, stream_offsets
from avatar.heads import load_head

VOICE = Path(__file__).parents[1] / "assets" / "demo_voice.flac"
SECONDS = 4


@cache
def spoken() -> Tensor:
    """Offsets [F, S, 3] of the first seconds of the demo voice."""
    model = load_model(None, torch.device("cpu"))
    blocks = []
    for block in stream_audio(VOICE):
        blocks.append(block)
        if sum(map(len, blocks)) >= SECONDS * 16000:
            break
    return torch.cat(list(stream_offsets(model, blocks))).cpu()


@cache
def telling_frames(count: int = 12) -> Tensor:
    """Some frames of `spoken`, from the most closed lips to the most open."""
    frames = spoken()
    order = lip_gap(frames).argsort()
    return frames[order[torch.linspace(0, len(order) - 1, count).long()]]


def lip_gap(offsets: Tensor) -> Tensor:
    """Mean distance [F] of anny-head's inner lips, metres, for offsets [F, S, 3]."""
    head = load_head()
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    moved = head.vertices + offsets
    return (moved[:, upper] - moved[:, lower]).norm(dim=-1).mean(-1)
