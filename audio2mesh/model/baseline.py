"""A decoder after FaceFormer (arXiv 2112.05329), the baseline that the student is compared with.

It makes one frame after another: each sees the frames made so far, through causal attention with
FaceFormer's biased mask, and the speech of its own frame, through cross attention with a diagonal
mask. What was made is fed back in training too, so nothing is forced. As in FaceFormer the position
code repeats with each period, and code and masks reach no further than 600 frames.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from audio2mesh.model.decoder import check_heads
from audio2mesh.model.options import DecoderOptions
from common.errors import InputError

LONGEST = 600
"""Frames that can be made in one go."""


class AutoregressiveDecoder(nn.Module):
    """Features [B, F, C] and a style per row → coefficients [B, F, K]; exactly zero when new.

    InputError for more than 600 frames.
    """

    def __init__(self, channels: int, outputs: int, styles: int, options: DecoderOptions) -> None:
        super().__init__()
        self.heads, self.period = options.heads, options.period
        self.dropout_channels = nn.Dropout1d(options.dropout_channels)
        self.speech = nn.Linear(channels, options.width)
        self.made = nn.Linear(outputs, options.width)
        self.style = nn.Embedding(styles, options.width)
        nn.init.zeros_(self.style.weight)
        self.blocks = nn.ModuleList(CausalBlock(options) for _ in range(options.layers))
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.width, outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        frames = features.shape[1]
        if frames > LONGEST:
            raise InputError(
                f"the FaceFormer baseline makes at most {LONGEST} frames in one go, but "
                f"{frames} were asked for; cut the recording into pieces"
            )
        speech = self.speech(self.dropout_channels(features.mT).mT)  # [B, F, W]
        blocks = cast(Sequence[CausalBlock], self.blocks)
        heard = [block.cross_attend(speech).unbind(1) for block in blocks]
        code = periodic_code(frames, speech.shape[2], self.period).to(speech)
        given = self.style(style)[:, None] + code  # [B, F, W]
        bias = causal_bias(frames, self.heads, self.period).to(speech)
        caches: list[Tensor | None] = [None] * len(blocks)
        made: list[Tensor] = []
        for frame, x in enumerate(given.unbind(1)):
            x = self.dropout(x + self.made(made[-1]) if made else x)  # [B, W]
            for depth, block in enumerate(blocks):
                seen = bias[:, frames - frame - 1 :]
                x, caches[depth] = block(x, caches[depth], heard[depth][frame], seen)
            made.append(self.output(x))
        return torch.stack(made, 1)


class CausalBlock(nn.Module):
    """One frame through attention to the frames before it, its own speech and a feed-forward layer.

    Normalisation comes after each sum, as in torch's TransformerDecoderLayer, of which this is the
    incremental form: keys and values of earlier frames are kept instead of made anew.
    """

    def __init__(self, options: DecoderOptions) -> None:
        super().__init__()
        width = options.width
        check_heads(width, options.heads)
        self.heads = options.heads
        self.qkv = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.merge_value = nn.Linear(width, width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(options.dropout)

    def cross_attend(self, speech: Tensor) -> Tensor:
        """Cross attention [B, F, W] to speech [B, F, W] under the diagonal mask.

        Every frame sees the speech of its own time alone, so the softmax has one entry, 1.
        """
        return self.merge_value(self.value(speech))

    def forward(
        self, x: Tensor, before: Tensor | None, heard: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One frame [B, W], and the keys and values [B, 2, H, f, W/H] up to it, f frames.

        before: those of the frames before it; heard [B, W]: its speech; bias [H, f].
        """
        q, *kv = self.qkv(x).unflatten(-1, (3, self.heads, 1, -1)).unbind(1)  # [B, H, 1, W/H]
        now = torch.stack(kv, 1)
        cache = now if before is None else torch.cat([before, now], 3)
        x = self.norms[0](x + self.dropout(self._attend(q, cache, bias)))
        x = self.norms[1](x + self.dropout(heard))
        fed = self.narrow(self.dropout(functional.relu(self.widen(x))))
        return self.norms[2](x + self.dropout(fed)), cache

    def _attend(self, q: Tensor, cache: Tensor, bias: Tensor) -> Tensor:
        keys, values = cache.unbind(1)  # [B, H, f, W/H]
        weights = (q @ keys.mT * q.shape[-1] ** -0.5 + bias[:, None]).softmax(-1)  # [B, H, 1, f]
        return self.merge((self.dropout(weights) @ values).flatten(1))


def causal_bias(frames: int, heads: int, period: int) -> Tensor:
    """Bias [H, f] on a frame's attention to the f frames up to and including itself.

    Per head h of H (from 1): -2^(-8h/H) · floor(distance / period); FaceFormer's equation 4. Later
    frames are not there to be seen.
    """
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
    steps = torch.arange(frames - 1, -1, -1).div(period, rounding_mode="floor")
    return -slopes[:, None] * steps


def periodic_code(frames: int, width: int, period: int) -> Tensor:
    """Sines and cosines [F, W] of the frame's place within its period; FaceFormer's equation 3."""
    place = (torch.arange(frames) % period)[:, None]
    rates = 10_000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([(place * rates).sin(), (place * rates).cos()], -1).flatten(1)
