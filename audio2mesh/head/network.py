"""A conditional variational autoencoder of windows of head motion (Kingma and Welling 2013; Sohn,
Lee, Yan 2015), which go on from the motion before them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audio2mesh.head.options import PoseNetOptions
from audio2mesh.head.voice import FEATURES

WINDOW = 100
"""Frames of a window, 4 s."""
CONTEXT = 10
"""Of them those that are known from before."""

_BLEND = 15  # frames over which what is decoded leaves the motion before it
_PACE = 2  # frames by which the speed of that is judged
_LOG_VARIANCE = 8.0  # largest magnitude of a code's


@dataclass(frozen=True)
class Code:
    """Normal distributions of B codes."""

    mean: Tensor  # [B, latent]
    log_variance: Tensor  # [B, latent]

    def sample(self) -> Tensor:
        """One code [B, latent] of each."""
        return self.mean + torch.randn_like(self.mean) * (0.5 * self.log_variance).exp()

    def divergence(self) -> Tensor:
        """Kullback-Leibler divergence [B, latent] in nats from the standard normal one."""
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)


class PoseNet(nn.Module):
    """Windows of angles in standard deviations [B, WINDOW, 3] and voice [B, WINDOW, FEATURES]."""

    deviation: Tensor  # [3] degrees, of yaw, pitch and roll

    def __init__(self, deviation: Tensor, options: PoseNetOptions | None = None) -> None:
        super().__init__()
        self.options = options or PoseNetOptions()
        width, latent = self.options.width, self.options.latent
        self.register_buffer("deviation", deviation)
        self.encoder = nn.Sequential(
            _Convolution(3 + len(FEATURES), width, 1),
            _Convolution(width, width, 2),
            _Convolution(width, width, 2),
            _Convolution(width, width, 5),
            nn.Flatten(),
        )
        self.mean = nn.Linear(width * WINDOW // 20, latent)
        self.log_variance = nn.Linear(width * WINDOW // 20, latent)
        self.unfold = nn.Linear(latent, width * WINDOW // 20)
        self.rise = nn.Sequential(*(_Rising(width, by) for by in (5, 2, 2)))
        self.given = nn.Conv1d(3 + 1 + len(FEATURES), width, 5, padding=2)
        dilations = (1, 2, 4, 8)
        self.decoder = nn.ModuleList(
            _Residual(width, dilation, self.options.dropout) for dilation in dilations
        )
        self.out = nn.Linear(width, 3)

    def encode(self, angles: Tensor, voice: Tensor) -> Code:
        """The codes of windows of true motion."""
        features = self.encoder(torch.cat([angles, voice], -1).transpose(1, 2))
        spread = self.log_variance(features).clamp(-_LOG_VARIANCE, _LOG_VARIANCE)
        return Code(self.mean(features), spread)

    def decode(self, code: Tensor, before: Tensor, known: Tensor, voice: Tensor) -> Tensor:
        """Windows [B, WINDOW, 3] of motion, whose first CONTEXT frames are those before.

        code [B, latent]; before [B, CONTEXT, 3]; known [B] whether there is such: if not, all
        frames are new.
        """
        known = known[:, None, None].to(before)
        context = torch.cat([before * known, known.expand(-1, CONTEXT, -1)], -1)
        context = nn.functional.pad(context, (0, 0, 0, WINDOW - CONTEXT))
        hidden = self.rise(self.unfold(code).unflatten(1, (-1, WINDOW // 20)))
        hidden = hidden + self.given(torch.cat([context, voice], -1).transpose(1, 2))
        for layer in self.decoder:
            hidden = layer(hidden)
        made = self.out(hidden.transpose(1, 2))
        made = made + known * _joint(before - made[:, :CONTEXT])
        kept = torch.where(known > 0, before, made[:, :CONTEXT])
        return torch.cat([kept, made[:, CONTEXT:]], 1)


def _joint(apart: Tensor) -> Tensor:
    """What to add to windows [B, WINDOW, 3] so that they go on where and as fast as the motion
    before, which they differ from by [B, CONTEXT, 3] in their first frames."""
    last = apart[:, -1:]
    change = (last - apart[:, -1 - _PACE : -_PACE]) / _PACE
    t = torch.arange(WINDOW, device=apart.device, dtype=apart.dtype)[:, None] - (CONTEXT - 1)
    share = (t / _BLEND).clamp(0, 1)
    return (last + change * t) * (1 - share * share * (3 - 2 * share))


class _Convolution(nn.Sequential):
    """A strided convolution over time."""

    def __init__(self, into: int, width: int, stride: int) -> None:
        super().__init__(nn.Conv1d(into, width, 5, stride, padding=2), nn.GELU())


class _Rising(nn.Sequential):
    """As many times the frames."""

    def __init__(self, width: int, by: int) -> None:
        super().__init__(
            nn.Upsample(scale_factor=by, mode="linear"),
            nn.Conv1d(width, width, 5, padding=2),
            nn.GELU(),
        )


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.layers(hidden)
