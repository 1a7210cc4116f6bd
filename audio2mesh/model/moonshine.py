"""Moonshine's speech encoder: convolutions, then a transformer with rotary positions.

After Jeffries and others, "Moonshine: Speech Recognition for Live Transcription and Voice Commands"
(arXiv 2410.15608), section 3.1. It is written out here because importing transformers takes longer
than a short film. Parameters are called as there, so that the weights of either fit the other.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from common.errors import InputError

DEFAULTS = {
    "hidden_size": 288,
    "intermediate_size": 1152,
    "encoder_num_attention_heads": 8,
}
ROTATED, THETA = 0.9, 10_000.0  # share of a head's channels; base of the wave lengths
ALWAYS = {"encoder_hidden_act": "gelu", "attention_bias": False}


class Attention(nn.Module):
    """Self-attention with rotary positions (Su and others, arXiv 2104.09864)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        """States x [B, T, D], angles [T, P] in radians → [B, T, D]."""
        projected = (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in projected)
        mixed = F.scaled_dot_product_attention(rotated(q, angles), rotated(k, angles), v)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a feed-forward network, each on normalised states and added to them."""

    def __init__(self, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        fc1, fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.mlp = nn.Sequential(OrderedDict(fc1=fc1, gelu=nn.GELU(), fc2=fc2))
        self.input_layernorm = nn.LayerNorm(width, bias=False)
        self.post_attention_layernorm = nn.LayerNorm(width, bias=False)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), angles)
        return x + self.mlp(self.post_attention_layernorm(x))


class Moonshine(nn.Module):
    """Built from the values of transformers' MoonshineConfig.

    InputError for those that no published weights have.
    """

    conv_kernel, conv_stride = (127, 7, 3), (64, 3, 2)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, hidden, heads = (config.get(key, default) for key, default in DEFAULTS.items())
        rope = config.get("rope_parameters") or config
        _check(config, heads, rope)
        self.hidden_size = width
        self.conv1 = nn.Conv1d(1, width, 127, 64, bias=False)
        self.groupnorm = nn.GroupNorm(1, width)
        self.conv2 = nn.Conv1d(width, 2 * width, 7, 3)
        self.conv3 = nn.Conv1d(2 * width, width, 3, 2)
        blocks = config["encoder_num_hidden_layers"]
        self.layers = nn.ModuleList(Block(width, hidden, heads) for _ in range(blocks))
        channels = int(width // heads * rope.get("partial_rotary_factor", ROTATED))
        exponents = torch.arange(0, channels, 2) / channels
        frequencies = 1 / rope.get("rope_theta", THETA) ** exponents  # [P] radians a step
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor

    def states(self, audio: Tensor) -> list[Tensor]:
        """Audio [B, S] at 16 kHz → what goes into the first block, and what comes out of each:
        [B, T, D]."""
        x = self.groupnorm(self.conv1(audio[:, None]).tanh())
        x = F.gelu(self.conv3(F.gelu(self.conv2(x)))).transpose(1, 2)  # [B, T, D]
        steps = torch.arange(x.shape[1], device=x.device)
        angles = steps[:, None] * self.frequencies  # [T, P]
        found = [x]
        for block in self.layers:
            found.append(block(found[-1], angles))
        return found


def rotated(x: Tensor, angles: Tensor) -> Tensor:
    """Vectors [.., T, C], whose first 2 P channels are P points of a plane, turned by angles [T, P]
    in radians."""
    cos, sin, turning = angles.cos(), angles.sin(), 2 * angles.shape[1]
    across, up = x[..., :turning].unflatten(-1, (-1, 2)).unbind(-1)  # [.., T, P]
    turned = torch.stack((across * cos - up * sin, across * sin + up * cos), -1).flatten(-2)
    return torch.cat((turned, x[..., turning:]), -1)


def _check(config: Mapping[str, Any], heads: int, rope: Mapping[str, Any]) -> None:
    wanted = {**ALWAYS, "encoder_num_key_value_heads": heads, "rope_type": "default"}
    for key, value in wanted.items():
        given = rope.get(key, value) if key == "rope_type" else config.get(key, value)
        if given not in (value, None):
            raise InputError(f"Moonshine with {key} {given} is not known here, only with {value}")
    if not 0 < (share := rope.get("partial_rotary_factor", ROTATED)) <= 1:
        raise InputError(f"Moonshine turns a share of the channels between 0 and 1, not {share}")
