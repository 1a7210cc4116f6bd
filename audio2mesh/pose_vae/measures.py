"""How good learned head motion is: seams, diversity, dependence on the sound, idle codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from audio2mesh.pose_vae.network import CONTEXT, HOP, MARGIN, WINDOW, PoseNet, head_motion
from audio2mesh.pose_vae.task import Window, window
from audio2mesh.pose_vae.tracks import FPS, PoseTrack

_TAKES = 4
_COMPARED = 40  # windows of true motion, at most about twice as many
_ACTIVE = 0.01  # variance of a code's mean (Burda, Grosse, Salakhutdinov 2016)


@dataclass(frozen=True)
class PoseScores:
    """How a network does on tracks; nan where they are too short or have no sound."""

    error: float
    """degrees, root mean square, of motion whose sound is known, encoded and decoded again"""
    shuffled: float
    """the same, decoded with the voice of another window"""
    seams: float
    """acceleration where windows meet over that elsewhere; 1 where seams do not show"""
    diversity: float
    """distance between takes over the distance between unrelated windows of true motion"""
    active: int
    """numbers of the code that say something"""


def pose_scores(net: PoseNet, tracks: Sequence[PoseTrack]) -> PoseScores:
    """Measure a network on tracks."""
    net.eval()
    seen = windows(tracks)
    heard = [w for w in seen if (w[1][:, -1:] == w[2]).all()]
    others = heard[len(heard) // 2 :] + heard[: len(heard) // 2]
    takes = [[head_motion(net, t.voice, take) for take in range(_TAKES)] for t in tracks]
    return PoseScores(
        error=reconstruction_error(net, heard, heard),
        shuffled=reconstruction_error(net, heard, others if len(heard) > 1 else []),
        seams=seam_ratio([take for row in takes for take in row]),
        diversity=diversity(takes, [angles[real[:, 0] > 0] for angles, _, real in seen]),
        active=active_units(net, seen),
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


def seam_ratio(takes: Sequence[Tensor]) -> float:
    """Mean acceleration of motions [F, 3] where windows meet over that elsewhere."""
    near: list[Tensor] = []
    far: list[Tensor] = []
    for take in takes:
        acceleration = take.diff(dim=0).diff(dim=0).norm(dim=1)  # of the frames from 1 on
        frames = torch.arange(1, len(take) - 1)
        seams = torch.tensor([*range(CONTEXT + HOP, len(take), HOP)])  # first frames of each
        if not len(seams):
            continue
        since = frames[:, None] - seams
        at_seam = ((since >= -1) & (since <= MARGIN)).any(1)
        near.append(acceleration[at_seam])
        far.append(acceleration[~at_seam])
    if not near:
        return float("nan")
    return float(torch.cat(near).mean() / torch.cat(far).mean())


def diversity(takes: Sequence[Sequence[Tensor]], true: Sequence[Tensor]) -> float:
    """Mean distance between takes [F, 3] of one voice over that between true windows [f, 3]."""
    pairs = [_distance(a, b) for row in takes for a, b in combinations(row, 2)]
    some = true[:: max(1, len(true) // _COMPARED)]
    apart = [_distance(a, b) for a, b in combinations(some, 2)]
    if not apart:
        return float("nan")
    return float(torch.stack(pairs).mean() / torch.stack(apart).mean())


def _distance(a: Tensor, b: Tensor) -> Tensor:
    frames = min(len(a), len(b))
    return (a[:frames] - b[:frames]).norm(dim=-1).mean()


@torch.no_grad()
def active_units(net: PoseNet, seen: Sequence[Window]) -> int:
    """How many numbers of the codes of windows say what the motion before and the voice do not."""
    if len(seen) < 2:
        return 0
    angles, voice = (torch.stack(part) for part in list(zip(*seen, strict=True))[:2])
    own = angles / net.deviation
    expected = net.expect(own[:, :CONTEXT], torch.ones(len(own)), voice)
    return int(((net.encode(own, voice).mean - expected.mean).var(0) > _ACTIVE).sum())
