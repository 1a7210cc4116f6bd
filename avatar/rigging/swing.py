"""Hair that lags behind the head and swings after it.

What is bound to the head and far from it follows a second head, whose pose follows the first one's
as a damped pendulum would: as every point's path is linear in the pose, twelve numbers are filtered
instead of every Gaussian.
"""

from collections.abc import Callable
from math import cos, exp, pi, sin, sqrt

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import triangle_frames
from splat import Gaussians

FOLLOWS = 0.999  # share of the largest pose weight, from which a vertex is head
HELD, FREE = 0.095, 0.15  # metres from the middle of the head, where hair is held and is free
ON_SKIN, OFF_SKIN = 0.01, 0.04  # metres from its triangle, where a Gaussian is skin and is hair
FREQUENCY = 1.8  # Hz: of a pendulum of 11 cm, a stick's
DAMPING = 0.3  # of the critical one
MOST = 0.03  # metres that hair can be from its place

Swing = Callable[[Gaussians, int | slice], Gaussians]
"""(Gaussians of one frame or of some, their frames) → the same, their means changed in place."""


def unmoved(gaussians: Gaussians, frames: int | slice) -> Gaussians:
    """Hair that is stiff."""
    return gaussians


def swinging(
    avatar: Avatar, head: Head, head_pose: Tensor, fps: float, device: torch.device
) -> Swing:
    """How an avatar's hair swings in a film in which its head has poses [F, 4, 4] in the space of
    its mesh; head: of that mesh; device: of the Gaussians."""
    share = loose(avatar, head)
    chosen = (share > 0).nonzero().squeeze(1)
    if not len(chosen) or torch.equal(head_pose, head_pose[:1].expand_as(head_pose)):
        return unmoved
    lag = lagging(head_pose, fps) @ torch.linalg.inv(head_pose)  # of where the head carries hair
    share, lag, chosen = (part.to(device) for part in (share[chosen, None], lag, chosen))

    def swing(gaussians: Gaussians, frames: int | slice) -> Gaussians:
        by = lag[frames]
        hair = gaussians.means.index_select(-2, chosen)
        shift = hair @ by[..., :3, :3].mT + by[..., None, :3, 3]
        far = 1 + shift.square().sum(-1, keepdim=True) / MOST**2
        gaussians.means.index_add_(-2, chosen, shift.mul_(share * far.rsqrt()))
        return gaussians

    return swing


def loose(avatar: Avatar, head: Head) -> Tensor:
    """How freely [N] each Gaussian swings, from 0, as all do that are not hair, to 1."""
    follows = head.pose_weights >= FOLLOWS * head.pose_weights.max()
    skull = avatar.vertices[follows]
    middle = (skull.amin(0) + skull.amax(0)) / 2
    owner, means = avatar.binding, avatar.gaussians.means
    frames = triangle_frames(avatar.vertices, avatar.faces)
    off = means.norm(dim=-1) * frames.scales[owner]
    hair = (follows[avatar.faces].all(1)[owner] & (off > ON_SKIN)).nonzero().squeeze(1)
    at, scales = owner[hair], frames.scales[owner[hair], None]
    rest = (frames.R_world_tri[at] @ means[hair, :, None]).squeeze(-1) * scales
    away = (rest + frames.origins_world[at] - middle).norm(dim=-1)
    share = _ramp(away, HELD, FREE) * _ramp(off[hair], ON_SKIN, OFF_SKIN)
    return torch.zeros_like(off).index_copy(0, hair, share)


def _ramp(values: Tensor, start: float, end: float) -> Tensor:
    return ((values - start) / (end - start)).clamp(0, 1)


def lagging(head_pose: Tensor, fps: float) -> Tensor:
    """By how much [F, 4, 4] the pose of hair lags behind rigid ones, as the end of a damped
    pendulum behind where it hangs, which goes straight from frame to frame; at first at rest."""
    poses = head_pose.double()
    velocities = fps * poses.diff(dim=0, prepend=poses[:1])
    pushes = velocities.diff(dim=0, prepend=torch.zeros_like(velocities[:1]))
    decay, ((a, b), (c, d)) = _step(1 / fps)
    apart = velocity = torch.zeros_like(poses[0])
    found = []
    for push in pushes:
        velocity = velocity - push
        apart, velocity = decay * (a * apart + b * velocity), decay * (c * apart + d * velocity)
        found.append(apart)
    return torch.stack(found).to(head_pose)


def _step(seconds: float) -> tuple[float, tuple[tuple[float, float], tuple[float, float]]]:
    """x'' = -w² x - 2 d w x' solved over some seconds: x and x' after them are the first number
    times the matrix times x and x' before."""
    w = 2 * pi * FREQUENCY
    damped, fall = w * sqrt(1 - DAMPING**2), DAMPING * w
    c, s = cos(damped * seconds), sin(damped * seconds) / damped
    return exp(-fall * seconds), ((c + fall * s, s), (-w * w * s, c - fall * s))
