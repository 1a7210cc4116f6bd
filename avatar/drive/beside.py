"""Two avatars in one picture, who sit side by side and are turned to each other: one mesh, and one
set of Gaussians."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import torch
from torch import Tensor
from torch.nn.functional import pad

from avatar.drive.direction import Direction
from avatar.drive.motion import Moving
from avatar.rigging.avatar import Avatar
from avatar.video.camera_path import NARROW, Framing
from splat import RawGaussians

APART = 0.38  # metres between the heads
TURNED, LOOK = 26.0, 18.0
"""Degrees that bodies are turned to each other, and that eyes and heads look further."""
BESIDE = 0.43  # of what a picture of one shows, how much is to be seen beyond a head's middle
PAIR = (-1.0, 1.0)  # the sides: to the left in the picture, and to the right

Move = Callable[[torch.device | None], Moving]


def looking(direction: Direction, side: float) -> Direction:
    """The direction of one who sits at a side, and whose gaze is free: to the other."""
    behaviour = direction.behaviour
    if behaviour is None or not behaviour.gaze.free:
        return direction
    gaze = replace(behaviour.gaze, x=-side * LOOK)
    return replace(direction, behaviour=replace(behaviour, gaze=gaze))


def seated(points: Tensor, side: float) -> Tensor:
    """Points [..., 3] of one who sits at a side, in the space of both."""
    angle = math.radians(-side * TURNED)
    c, s = math.cos(angle), math.sin(angle)
    R_both_one = torch.tensor([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]).to(points)
    return points @ R_both_one.T + torch.tensor([side * APART / 2, 0.0, 0.0]).to(points)


def merged(one: Avatar, other: Avatar) -> Avatar:
    """Both as one avatar at rest, which says of itself what both say."""
    pair, shift = (one, other), len(one.faces)
    bases = max(avatar.gaussians.sh.shape[1] for avatar in pair)
    parts = [
        replace(raw, sh=pad(raw.sh, (0, 0, 0, bases - raw.sh.shape[1])))
        for raw in (avatar.gaussians for avatar in pair)
    ]
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return Avatar(
        RawGaussians(*(torch.cat([getattr(part, name) for part in parts]) for name in names)),
        torch.cat([one.binding, other.binding + shift]),
        torch.cat([seated(a.vertices, side) for a, side in zip(pair, PAIR, strict=True)]),
        torch.cat([one.faces, other.faces + len(one.vertices)]),
        one.topology,
        origin="; ".join(filter(None, (avatar.origin for avatar in pair))),
        consent="; ".join(filter(None, (avatar.consent for avatar in pair))),
    )


def together(one: Move, other: Move, vertices: int, device: torch.device | None) -> Moving:
    """The moving mesh of both, as long as the shorter; vertices: how many are the first one's."""
    first, second = one(device), other(device)
    assert first.fps == second.fps
    frames = min(first.frames, second.frames)

    def chunks() -> Iterator[Tensor]:
        parts = (chain.from_iterable(each.chunks()) for each in (first, second))
        return (torch.cat(frame)[None] for frame in islice(zip(*parts, strict=False), frames))

    def moved(offsets: Tensor, frames: int | slice) -> Tensor:
        halves = offsets.split([vertices, offsets.shape[-2] - vertices], dim=-2)
        pairs = zip((first, second), halves, strict=True)
        posed = (each.vertices(half, frames) for each, half in pairs)
        return torch.cat([seated(*each) for each in zip(posed, PAIR, strict=True)], dim=-2)

    return Moving(chunks, moved, frames, first.fps)


def framed_together(
    framed: Sequence[Framing], busts: Sequence[Framing], size: tuple[int, int]
) -> Framing:
    """What a picture of so many pixels shows of both, by what it would show of each; what that
    leaves free lies above and below, but not below what `busts` show."""
    aspect = size[1] / size[0]
    low = max(float(target[1]) - extent / 2 for target, extent in framed)
    end = max(float(target[1]) - extent / 2 for target, extent in busts)
    high = max(float(target[1]) + extent / 2 for target, extent in framed)
    wide = APART + 2 * BESIDE * max(extent for _, extent in framed)
    extent = max(high - low, wide * aspect)
    low = max(min(low, end), low - (extent - high + low) / 2)
    return torch.tensor([0.0, low + extent / 2, 0.0]), extent / max(1.0, NARROW * aspect)
