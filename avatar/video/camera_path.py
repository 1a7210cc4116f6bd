"""Camera paths: fixed, on an orbit, or from a file of keyframes."""

import math
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

import torch
from torch import Tensor

from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import to_world, triangle_frames
from avatar.video import Crop
from common.errors import InputError
from splat import Camera, CameraPath, activate, orbit, read_camera_path

DISTANCE = 1.2  # metres from the head: the perspective of a portrait lens
FILL = 1.33  # the height of the picture, in heights of the head mesh
NARROW = 0.8  # widths in heights, below which a picture covers more vertically
LOWER = 0.08  # how far below the mesh's middle the camera aims, in heights: room for shoulders
MOST = 0.999  # of the Gaussians above the target are in the picture
MARGIN = 0.05  # between them and its edge, in heights of the picture
ORBIT_DEGREES, ORBIT_SECONDS = 60.0, 8.0  # --camera orbit swings to each side once in this time


Framing = tuple[Tensor, float]
"""Target [3], and the vertical extent of a picture in metres where it is not narrow."""

ROOM = {"head": 0.06, "bust": 0.07, "square": 0.19}
"""Between what is shown and the picture's edges, in heights of the picture."""
CHIN = 0.12
"""How far behind the nose's tip a chin is at most, in heights of the head mesh."""
SHOULDERS, COLUMNS = 0.8, 24  # share of the width that reaches the lower edge; parts of it
HEM = 0.008  # metres above the lowest Gaussians, where they are dense
STRIP = 0.04  # half the width of the middle of the face, in the same heights

CameraTrack = Callable[[Framing, int, float], Iterator[Camera]]
"""(what front and orbit show, number of frames, fps) → the camera of each frame."""


def read_track(name: str, size: tuple[int, int], angles: tuple[float, float]) -> CameraTrack:
    """The cameras of a path. A file of keyframes is read and checked at once, and each of its
    cameras is built once before the first is used; InputError, FileNotFoundError or OSError.

    name: front, orbit, or the path of a JSON file of keyframes; size: width and height in pixels;
    angles: azimuth and elevation in degrees, added to front and orbit.
    """
    (width, height), (azimuth, elevation) = size, angles
    if name not in ("front", "orbit"):
        path = read_camera_path(Path(name))
        return lambda _, frames, fps: _checked(path, frames, fps, size)

    def track(framed: Framing, frames: int, fps: float) -> Iterator[Camera]:
        target, extent = framed
        extent *= max(1.0, NARROW * height / width)  # so that a narrow picture contains the head
        field_of_view = math.degrees(2 * math.atan(extent / 2 / DISTANCE))

        def at(azimuth: float) -> Camera:
            return orbit(target, DISTANCE, azimuth, elevation, field_of_view, width, height)

        if name == "front":
            return repeat(at(azimuth), frames)
        turns = (frame / fps / ORBIT_SECONDS for frame in range(frames))
        return (at(azimuth + ORBIT_DEGREES * math.sin(2 * math.pi * turn)) for turn in turns)

    return track


def _checked(path: CameraPath, frames: int, fps: float, size: tuple[int, int]) -> Iterator[Camera]:
    """The cameras of a path, each built once before the first is used."""
    seconds = 0.0
    try:
        for seconds, _ in enumerate(path.cameras(frames, fps, *size), start=1):
            seconds = seconds / fps
    except InputError as error:
        raise InputError(f"{path.path}: at {seconds:.2f} s {error}") from None
    return path.cameras(frames, fps, *size)


def portrait(avatar: Avatar, rest: Tensor | None = None) -> Framing:
    """Head and collar of an avatar, and all of its hair; strays are left out.

    rest [V, 3]: its mesh at rest where that is another than its own.
    """
    target, extent = framing(avatar.framed if rest is None else rest)
    from_target = _drawn(avatar, rest) - target
    above = from_target[from_target[:, 1] > 0]
    if not len(above):
        return target, extent
    nearer = DISTANCE / (DISTANCE - above[:, 2:]).clamp(min=DISTANCE / 2)
    wide, tall = torch.quantile((above[:, :2] * nearer).abs(), MOST, dim=0).tolist()
    higher = max(0.0, tall + MARGIN * extent - extent / 2)
    target[1] += higher / 2  # the lower edge stays
    return target, max(extent + higher, 2 * wide / NARROW + 2 * MARGIN * extent)


def _drawn(avatar: Avatar, rest: Tensor | None) -> Tensor:
    """The positions [N, 3] of what is drawn."""
    frames = triangle_frames(avatar.vertices if rest is None else rest, avatar.faces)
    world = to_world(activate(avatar.gaussians), avatar.binding, frames)
    return world.means[world.opacities > 0.5]


def framed_as(
    crop: Crop, size: tuple[int, int], avatar: Avatar, rest: Tensor | None = None
) -> Framing:
    """What a picture of so many pixels shows of an avatar, by what of it is drawn: from its hair to
    its chin, or to its lower end, which is not shown; square: its head with room around it.

    rest [V, 3]: as `portrait` takes it.
    """
    if crop == "portrait":
        return portrait(avatar, rest)
    drawn, aspect = _drawn(avatar, rest), size[1] / size[0]
    low = chin(avatar.framed if rest is None else rest)
    head = drawn[drawn[:, 1] > low]
    target = torch.tensor([0.0, float(head[:, 1].mean()), float(head[:, 2].mean())])
    extent = 0.0
    for _ in range(3):  # what is near is seen higher or lower with another height of the camera
        seen = _in_plane(head, target)
        wide = float(torch.quantile((seen[:, 0] - target[0]).abs(), MOST))
        high = float(torch.quantile(seen[:, 1], MOST))
        end = _lower_edge(_in_plane(drawn, target)) if crop == "bust" else low
        below = 0.0 if crop == "bust" else ROOM[crop]
        extent = max((high - end) / (1 - ROOM[crop] - below), 2.2 * wide * aspect)
        target[1] = end + (0.5 - below) * extent if crop == "bust" else (high + end) / 2
    return target, extent / max(1.0, NARROW * aspect)


def _in_plane(points: Tensor, target: Tensor) -> Tensor:
    """Where points [N, 3] are seen in the plane of the target, [N, 2] in metres."""
    offset = points - target
    return target[:2] + offset[:, :2] * (DISTANCE / (DISTANCE - offset[:, 2:]))


def _lower_edge(seen: Tensor) -> float:
    """The height down to which everything of shoulders' width is drawn, by points [N, 2]."""
    reach = float(torch.quantile(seen[:, 0].abs(), MOST))
    columns = torch.linspace(-SHOULDERS * reach, SHOULDERS * reach, COLUMNS + 1)
    place = torch.bucketize(seen[:, 0].contiguous(), columns)
    lows = [seen[place == column, 1] for column in range(1, COLUMNS + 1)]
    return max(float(torch.quantile(low, 1 - MOST)) for low in lows if len(low)) + HEM


def chin(vertices: Tensor) -> float:
    """The height of the chin of a head mesh [V, 3]: the lowest of the middle of its face."""
    low, high = vertices.amin(0), vertices.amax(0)
    tall = float(high[1] - low[1])
    strip = vertices[(vertices[:, 0] - (low[0] + high[0]) / 2).abs() < STRIP * tall]
    return float(strip[strip[:, 2] > strip[:, 2].max() - CHIN * tall, 1].min())


def framing(vertices: Tensor) -> Framing:
    """Head and collar of a mesh [V, 3]."""
    low, high = vertices.amin(0), vertices.amax(0)
    tall = float(high[1] - low[1])
    target = (low + high) / 2
    target[0], target[1] = 0.0, float(target[1]) - LOWER * tall
    return target, FILL * tall
