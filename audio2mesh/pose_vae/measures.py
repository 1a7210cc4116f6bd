"""How good learned head motion is: its error, and how much of it depends on the sound."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audio2mesh.pose_vae.network import CONTEXT, WINDOW, PoseNet
from audio2mesh.pose_vae.task import Window, window
from audio2mesh.pose_vae.tracks import FPS, PoseTrack


@dataclass(frozen=True)
class PoseScores:
    """How a network does on tracks; nan where they are too short or have no sound."""

    error: float
    """degrees, root mean square, of motion whose sound is known, encoded and decoded again"""
    shuffled: float
    """the same, decoded with the voice of another window"""


def pose_scores(net: PoseNet, tracks: Sequence[PoseTrack]) -> PoseScores:
    """Measure a network on tracks."""
    net.eval()
    heard = [w for w in windows(tracks) if (w[1][:, -1:] == w[2]).all()]
    others = heard[len(heard) // 2 :] + heard[: len(heard) // 2]
    return PoseScores(
        error=reconstruction_error(net, heard, heard),
        shuffled=reconstruction_error(net, heard, others if len(heard) > 1 else []),
    )


def windows(tracks: Sequence[PoseTrack]) -> list[Window]:
    """Angles, voice and which frames are real: a window every second of tracks."""
    starts = [(t, s) for t in tracks for s in range(0, max(1, len(t.angles) - WINDOW + 1), FPS)]
    return [window(track, start) for track, start in starts]


@torch.no_grad()
def reconstruction_error(net: PoseNet, true: Sequence[Window], others: Sequence[Window]) -> float:
    """Degrees, root mean square over the new frames of windows that are encoded with their own
    voice and decoded with that of the others; nan without any."""
    squares: list[Tensor] = []
    for (angles, voice, real), (_, other, _) in zip(true, others, strict=False):
        own = (angles / net.deviation)[None]
        code = net.encode(own, voice[None]).mean
        made = net.decode(code, own[:, :CONTEXT], torch.ones(1), other[None])
        apart = (made[0] * net.deviation - angles)[CONTEXT:]
        squares.append(apart[real[CONTEXT:, 0] > 0].square().flatten())
    return float(torch.cat(squares).mean().sqrt()) if squares else float("nan")
