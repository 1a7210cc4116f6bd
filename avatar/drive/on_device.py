"""Frames made many at a time on a device, from a few numbers each to finished 8-bit pictures.

Nothing but these leaves the device, and only if they are not encoded there. On CUDA it is not
verified yet; the CPU runs the same code in tests.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from avatar.drive.device_clock import DeviceClock
from avatar.drive.motion import Motion
from avatar.film.nvenc import why_not_nvenc
from avatar.film.video import takes_nv12
from avatar.film.yuv import nv12, rgb8
from avatar.rig.avatar import Avatar
from avatar.rig.draw import batch_rig
from avatar.rig.pose import pose
from splat import Backend, Camera, Gaussians, render_frames

MOST = 32
"""Moments in one launch: gsplat keeps their number, that of the tiles and depths in 64 bits."""
BYTES_AT_ONCE = 2**30
"""Of Gaussians and pictures that a launch may take, estimated."""


class Moments(NamedTuple):
    """What is drawn in one launch."""

    offsets: Tensor  # [f, V, 3] of the face from rest, on the device
    vertices: Tensor  # [f, V, 3] with the head turned, on the device
    cameras: list[Camera]  # [f]


@dataclass(frozen=True)
class Darkroom:
    """What makes finished pictures of moved meshes."""

    rig: Callable[[Tensor], Gaussians]  # vertices [f, V, 3] → world Gaussians [f, N, ..]
    draw: Callable[[Gaussians, list[Camera]], Tensor]  # colours [f, H, W, 3]
    planar: bool  # finished as `nv12` makes them, not as bytes of red, green and blue
    stay: bool  # pictures are left on the device, for an encoder there


def open_darkroom(
    avatar: Avatar,
    device: torch.device,
    backend: Backend,
    background: Tensor,
    out: Path,
    size: tuple[int, int],
) -> Darkroom:
    """What makes the pictures of a film of an avatar; the encoder is said in a line on stderr.

    background [3]: behind everything; out: the film's file; size: its pixels across and down.
    """
    refused = "only .mp4 is encoded there" if out.suffix.lower() != ".mp4" else None
    if refused is None:
        refused = why_not_nvenc(device, *size)
    place = "the device" if refused is None else f"the CPU ({refused})"
    print(f"encoder: {place}", file=sys.stderr)
    return Darkroom(
        batch_rig(avatar, device),
        lambda gaussians, cameras: render_frames(gaussians, cameras, background, backend),
        planar=takes_nv12(out),
        stay=refused is None,
    )


def moments_at_once(avatar: Avatar, width: int, height: int) -> int:
    """How many moments one launch may draw."""
    gaussian = 4 * 2 * (12 + avatar.gaussians.sh[0].numel())  # floats, as given and as projected
    pixel = 4 * 10  # colour, transmittance, and colour again while it becomes bytes
    each = gaussian * len(avatar.binding) + pixel * width * height
    return max(1, min(MOST, BYTES_AT_ONCE // each))


def moments_of(
    avatar: Avatar, motion: Motion, cameras: Iterator[Camera], count: int, clock: DeviceClock
) -> Iterator[Moments]:
    """All frames of a motion, up to `count` at a time; their basis lies on the device."""
    device = clock.device
    rest, head_pose = avatar.vertices.to(device), motion.head_pose.to(device)
    head = replace(motion.face.head, pose_weights=motion.face.head.pose_weights.to(device))
    begin = 0
    for offsets in _timed(_offsets(motion, device), clock):
        for part in offsets.split(count):
            end = begin + len(part)
            with clock.stage("rig"):
                vertices = pose(rest + part, head, head_pose[begin:end])
            yield Moments(part, vertices, list(islice(cameras, len(part))))
            begin = end
    assert begin == motion.frames, (begin, motion.frames)


def _offsets(motion: Motion, device: torch.device) -> Iterator[Tensor]:
    """Chunks [f, V, 3] on the device."""
    if motion.curves is None:
        return (chunk.to(device) for chunk in motion.offsets())
    return replace(motion.curves, basis=motion.curves.basis.to(device)).offsets()


def _timed(chunks: Iterator[Tensor], clock: DeviceClock) -> Iterator[Tensor]:
    while True:
        with clock.stage("audio2mesh"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def pictures(
    moments: Iterable[Moments], darkroom: Darkroom, clock: DeviceClock
) -> Iterator[tuple[Tensor, Tensor]]:
    """The finished picture of every frame, uint8 [H, W, 3] or [3 H / 2, W], and the offsets that it
    shows, on the device. While pictures are taken, the device makes the next ones."""
    launched: Callable[[], Iterator[tuple[Tensor, Tensor]]] | None = None
    for batch in moments:
        following = _launch(batch, darkroom, clock)
        if launched is not None:
            yield from launched()
        launched = following
    if launched is not None:
        yield from launched()


def _launch(
    batch: Moments, darkroom: Darkroom, clock: DeviceClock
) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Begin to draw a batch; what is returned waits for its pictures."""
    with clock.stage("rig"):
        gaussians = darkroom.rig(batch.vertices)
    with clock.stage("raster"):
        colours = darkroom.draw(gaussians, batch.cameras)
    with clock.stage("encode"):
        finished = rgb8(colours)
        if darkroom.planar:
            finished = nv12(finished)
        if not darkroom.stay:
            finished = _towards_host(finished)
    landing = clock.landing()

    def landed() -> Iterator[tuple[Tensor, Tensor]]:
        landing()
        yield from zip(finished, batch.offsets, strict=True)

    return landed


def _towards_host(pictures: Tensor) -> Tensor:
    """A copy on the CPU, which is complete once the device has done what was launched."""
    if not pictures.is_cuda:
        return pictures.cpu()
    host = torch.empty(pictures.shape, dtype=pictures.dtype, pin_memory=True)
    return host.copy_(pictures, non_blocking=True)
