"""The student of Learn2Talk: speech features at video rate → motion coefficients per frame.

A transformer over the frames of one window, all at once (no autoregression), after Learn2Talk
(arXiv 2404.12888) and FaceFormer (arXiv 2112.05329), whose biased attention it keeps: the bias
falls by a step with each period of distance. Within one period a learned bias tells frames apart.
Position enters by distance alone, so the same sound gives the same motion anywhere in a window.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.model.options import DecoderOptions
from common.errors import InputError


class Decoder(nn.Module):
    """Features [B, F, C] and a style per row → coefficients [B, F, K]; exactly zero when new."""

    def __init__(self, channels: int, outputs: int, styles: int, options: DecoderOptions) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, options.width)
        self.local = nn.Conv1d(options.width, options.width, 5, padding=2)
        self.style = nn.Embedding(styles, options.width)
        nn.init.zeros_(self.style.weight[:1])  # the neutral style; others are told apart from it
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)
        self.dropout_channels = nn.Dropout1d(options.dropout_channels)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.width, outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        if options.habits:
            self.habits = nn.Embedding(styles, outputs * options.width)
            nn.init.zeros_(self.habits.weight)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        x = self.hidden(features, style)
        said = self.output(self.dropout(self.norm(x)))
        if not hasattr(self, "habits"):
            return said
        own = self.habits(style).unflatten(1, (-1, x.shape[2]))  # [B, K, W]
        return said + x @ own.mT

    def hidden(self, features: Tensor, style: Tensor) -> Tensor:
        """What the last block says [B, F, W]."""
        x = self.reduce(self.dropout_channels(features.mT).mT)  # [B, F, W]
        x = x + self.local(functional.gelu(x).mT).mT
        x = x + self.style(style)[:, None]
        for block in self.blocks:
            x = block(x)
        return x


class Block(nn.Module):
    """Pre-norm attention with a distance bias, then a feed-forward layer."""

    def __init__(self, options: DecoderOptions) -> None:
        super().__init__()
        check_heads(options.width, options.heads)
        self.heads, self.period = options.heads, options.period
        self.norm_attention = nn.LayerNorm(options.width)
        self.qkv = nn.Linear(options.width, 3 * options.width)
        self.near = nn.Parameter(torch.empty(options.heads, 2 * options.period + 1))
        nn.init.zeros_(self.near)
        self.merge = nn.Linear(options.width, options.width)
        self.norm_feed = nn.LayerNorm(options.width)
        self.widen = nn.Linear(options.width, 2 * options.width)
        self.narrow = nn.Linear(2 * options.width, options.width)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self._attend(self.norm_attention(x)))
        fed = self.narrow(self.dropout(functional.gelu(self.widen(self.norm_feed(x)))))
        return x + self.dropout(fed)

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        bias = distance_bias(x.shape[1], self.period, self.near)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)  # [B, H, F, W/H]
        return self.merge(mixed.transpose(1, 2).flatten(2))


def check_heads(width: int, heads: int) -> None:
    """Raise InputError where attention heads cannot share the channels evenly."""
    if heads < 1 or width < 1 or width % heads:
        raise InputError(f"{width} channels cannot be shared by {heads} attention heads")


def distance_bias(frames: int, period: int, near: Tensor) -> Tensor:
    """Attention bias [heads, F, F].

    Per head h of H: -2^(-8h/H) · floor(|i - j| / period), FaceFormer's without its causal
    mask, plus `near[h]` [2 · period + 1], learned, by i - j clipped to ±period.
    """
    heads = near.shape[0]
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1, device=near.device) / heads)
    index = torch.arange(frames, device=near.device)
    distance = index[:, None] - index[None]  # [F, F]
    steps = distance.abs().div(period, rounding_mode="floor")
    return near[:, distance.clamp(-period, period) + period] - slopes[:, None, None] * steps
