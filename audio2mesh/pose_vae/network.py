"""A conditional variational autoencoder of windows of head motion (Kingma and Welling 2013), each
continuing the motion before it.

Codes are drawn from a conditional prior (Sohn, Lee, Yan 2015) of the preceding motion and the
voice, so that the head continues from its pose.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audio2mesh.pose_vae.options import PoseNetOptions
from audio2mesh.pose_vae.tracks import FEATURES

WINDOW = 100
"""Frames of a window, 4 s."""
CONTEXT = 10
"""Of them those that are known from before."""

_LOG_VARIANCE = 8.0  # largest magnitude of a code's


@dataclass(frozen=True)
class Code:
    """Normal distributions of B codes."""

    mean: Tensor  # [B, latent]
    log_variance: Tensor  # [B, latent]

    def at(self, normal: Tensor) -> Tensor:
        """Codes [B, latent] from numbers [B, latent] that are drawn from the standard normal."""
        return self.mean + normal * (0.5 * self.log_variance).exp()

    def divergence(self, other: "Code") -> Tensor:
        """Kullback-Leibler divergence [B, latent] in nats from another."""
        apart = (self.mean - other.mean).square() + self.log_variance.exp()
        ratio = other.log_variance - self.log_variance
        return 0.5 * (apart / other.log_variance.exp() - 1 + ratio)


class PoseNet(nn.Module):
    """Windows of angles in standard deviations [B, WINDOW, 3] and voice [B, WINDOW, FEATURES]."""

    deviation: Tensor  # [3] degrees, of yaw, pitch and roll

    def __init__(self, deviation: Tensor, options: PoseNetOptions | None = None) -> None:
        super().__init__()
        self.options = options or PoseNetOptions()
        width, latent = self.options.width, self.options.latent
        self.register_buffer("deviation", deviation)
        self.encoder = _Encoder(3 + len(FEATURES), width, latent)
        self.prior = _Encoder(3 + 1 + len(FEATURES), width, latent)
        self.unfold = nn.Linear(latent, width * WINDOW // 20)
        self.rise = nn.Sequential(*(_rising(width, by) for by in (5, 2, 2)))
        self.given = nn.Conv1d(3 + 1 + len(FEATURES), width, 5, padding=2)
        dilations = (1, 2, 4, 8)
        self.decoder = nn.ModuleList(
            _Residual(width, dilation, self.options.dropout) for dilation in dilations
        )
        self.out = nn.Linear(width, 3)

    def encode(self, angles: Tensor, voice: Tensor) -> Code:
        """The codes of windows of true motion."""
        return self.encoder(torch.cat([angles, voice], -1))

    def expect(self, before: Tensor, known: Tensor, voice: Tensor) -> Code:
        """The codes of windows before their motion is known; takes what `decode` takes."""
        return self.prior(torch.cat([_context(before, known), voice], -1))

    def decode(self, code: Tensor, before: Tensor, known: Tensor, voice: Tensor) -> Tensor:
        """Windows [B, WINDOW, 3] of motion, the first CONTEXT frames much like those before.

        code [B, latent]; before [B, CONTEXT, 3]; known [B] 1 where there is such, or 0.
        """
        hidden = self.rise(self.unfold(code).unflatten(1, (-1, WINDOW // 20)))
        condition = torch.cat([_context(before, known), voice], -1)
        hidden = hidden + self.given(condition.transpose(1, 2))
        for layer in self.decoder:
            hidden = layer(hidden)
        return self.out(hidden.transpose(1, 2))


def _context(before: Tensor, known: Tensor) -> Tensor:
    """The motion before windows and whether it is known [B, WINDOW, 4], 0 in all new frames."""
    known = known[:, None, None].to(before)
    context = torch.cat([before * known, known.expand(-1, CONTEXT, -1)], -1)
    return nn.functional.pad(context, (0, 0, 0, WINDOW - CONTEXT))


class _Encoder(nn.Module):
    """Curves [B, WINDOW, into] → codes."""

    def __init__(self, into: int, width: int, latent: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _convolution(into, width, 1),
            _convolution(width, width, 2),
            _convolution(width, width, 2),
            _convolution(width, width, 5),
            nn.Flatten(),
        )
        self.mean = nn.Linear(width * WINDOW // 20, latent)
        self.log_variance = nn.Linear(width * WINDOW // 20, latent)

    def forward(self, curves: Tensor) -> Code:
        features = self.layers(curves.transpose(1, 2))
        spread = self.log_variance(features).clamp(-_LOG_VARIANCE, _LOG_VARIANCE)
        return Code(self.mean(features), spread)


def _convolution(into: int, width: int, stride: int) -> nn.Module:
    """A strided convolution over time."""
    return nn.Sequential(nn.Conv1d(into, width, 5, stride, padding=2), nn.GELU())


def _rising(width: int, by: int) -> nn.Module:
    """As many times the frames."""
    rise = nn.Upsample(scale_factor=by, mode="linear")
    return nn.Sequential(rise, nn.Conv1d(width, width, 5, padding=2), nn.GELU())


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
        condition = tail[:, :CONTEXT], known, voice[None, start : start + WINDOW]
        drawn = torch.randn(1, net.options.latent, generator=generator).to(like)
        decoded = net.decode(net.expect(*condition).at(drawn), *condition)
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
