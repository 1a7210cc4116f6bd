"""Learning head motion: windows of tracks, and what a window's motion costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.pose_vae.network import CONTEXT, WINDOW, PoseNet
from audio2mesh.pose_vae.options import PoseNetOptions, PoseTrainOptions
from audio2mesh.pose_vae.tracks import PoseTrack
from audio2mesh.training.distributed import own_part

_MIRROR = torch.tensor([-1.0, 1.0, -1.0])  # of yaw, pitch and roll
_LEAST_DEVIATION = 0.1  # degrees


@dataclass(frozen=True)
class PoseBatch:
    """B windows."""

    angles: Tensor  # [B, WINDOW, 3] in standard deviations
    voice: Tensor  # [B, WINDOW, FEATURES]
    real: Tensor  # [B, WINDOW, 1] 1 in the frames of the track, 0 beyond its end
    known: Tensor  # [B] whether the context is given


Window = tuple[Tensor, Tensor, Tensor]
"""Angles [WINDOW, 3] in degrees, voice [WINDOW, FEATURES], 1 in real frames [WINDOW, 1]."""


class PoseTask:
    """A network and the tracks that it learns from."""

    def __init__(
        self, net: PoseNet, tracks: Sequence[PoseTrack], options: PoseTrainOptions
    ) -> None:
        self.net, self.tracks, self.options = net, tracks, options
        self._starts = np.array([max(1, len(t.angles) - WINDOW + 1) for t in tracks])

    def prepare(self, step: int) -> None:
        """The tracks are all there."""

    def losses(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        options = self.options
        terms = window_losses(self.net, self.batch(step))
        rising = min(1.0, (step + 1) / max(1.0, options.rising * options.steps))
        floored = terms["divergence"].clamp_min(options.free).sum() / (WINDOW * 3)
        total = terms["place"] + options.velocity * terms["velocity"]
        total = total + options.acceleration * terms["acceleration"]
        total = total + options.divergence * rising * floored
        return total, {**terms, "divergence": terms["divergence"].sum()}

    def batch(self, step: int) -> PoseBatch:
        """This process's windows of a step, half of them mirrored."""
        options, own = self.options, own_part(self.options.batch)
        rng = np.random.default_rng([options.seed, step])
        share = self._starts / self._starts.sum()
        drawn = rng.choice(len(self.tracks), options.batch, p=share)
        starts = rng.integers(self._starts[drawn])
        angles, voice, real = (
            torch.stack(part)
            for part in zip(
                *(window(self.tracks[k], s) for k, s in zip(drawn[own], starts[own], strict=True)),
                strict=True,
            )
        )
        mirrored = torch.from_numpy(rng.random((options.batch, 1, 1)) < 0.5)[own]
        angles = torch.where(mirrored, angles * _MIRROR, angles)
        heard = torch.from_numpy(rng.random((options.batch, 1, 1)) >= options.unheard)[own]
        known = torch.from_numpy(rng.random(options.batch) >= options.beginning)[own]
        to = self.net.deviation
        return PoseBatch(angles.to(to) / to, (voice * heard).to(to), real.to(to), known.to(to))


def window(track: PoseTrack, start: int) -> Window:
    """A part of a track; beyond its end a track stands still."""
    frames = torch.arange(start, start + WINDOW)
    real = (frames < len(track.angles)).float()[:, None]
    frames = frames.clamp_max(len(track.angles) - 1)
    return track.angles[frames], track.voice[frames] * real, real


def window_losses(net: PoseNet, batch: PoseBatch) -> dict[str, Tensor]:
    """Squared errors, means over real frames, and the divergence [latent] of the codes."""
    code, context = net.encode(batch.angles, batch.voice), (batch.angles[:, :CONTEXT], batch.known)
    drawn = code.at(torch.randn_like(code.mean)) if net.training else code.mean
    made = net.decode(drawn, *context, batch.voice)
    losses, apart, real = {}, made - batch.angles, batch.real
    for name in ("place", "velocity", "acceleration"):
        losses[name] = (apart.square() * real).sum() / (3 * real.sum())
        apart, real = apart.diff(dim=1), real[:, 1:]
    divergence = code.divergence(net.expect(*context, batch.voice))
    return {**losses, "divergence": divergence.mean(0)}


def new_net(tracks: Sequence[PoseTrack], options: PoseNetOptions, seed: int) -> PoseNet:
    """An untrained network for heads that move as much as these."""
    torch.manual_seed(seed)
    deviation = torch.cat([track.angles for track in tracks]).std(0)
    return PoseNet(deviation.clamp_min(_LEAST_DEVIATION), options)
