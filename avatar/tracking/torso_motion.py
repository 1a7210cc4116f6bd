"""Motion of the torso: the picture below the head, aligned with its mean over the film.

Lucas and Kanade's (1981) alignment by a rigid motion for each frame, on a surface that a chest
usually has or that is known: people lean while they talk, and a collar then moves otherwise than
shoulders.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import Ints
from avatar.geometry.zbuffer import NOTHING, project
from avatar.heads import Head
from avatar.tracking.frames import read_kept
from avatar.tracking.pyramid import level, sample
from avatar.tracking.regions import seen_parts
from avatar.tracking.result import Tracking, camera, world_vertices
from common.parallel import spread
from common.progress import progress_bar
from splat import Camera

SCALES = (8, 4, 2)  # pixels of the picture for one of a level, the finest last
STEPS = (6, 4, 3)  # on each of them
SPREAD, HUBER = 0.05, 0.1  # of colours in [0, 1]
SHARED = 50.0  # pixels with correlated errors that count as one
TURNS, SHIFTS = 0.05, 0.03  # of a torso over a film, in radians and metres: standard deviations
APART = 4  # pixels of the picture between samples, at least
LEAST_PIXELS = 800.0  # of shoulders, below which the motion is unknown
TOP, SLOPE, DEPTH = 0.02, 0.47, 0.13
WIDTH = 0.15
"""How a chest in clothes stands out before the neck's end, as that of our bust: metres at its
height, more for each metre below, at most; half as much so far to the side."""
ROUNDS = 2  # of the mean and the alignment


@dataclass(frozen=True)
class Body:
    """Where a body is in front of the camera on average."""

    neck: Tensor  # [3] the neck's end, in camera axes
    axis: Tensor  # [2] from the picture's middle to where the optical axis meets it, pixels
    focal: float  # pixels
    depth: Tensor  # [H, W] metres from the camera of the front of the body and around it

    def points(self, positions: Tensor) -> Tensor:
        """Points [P, 3] in camera axes at positions [P, 2] about the picture's middle."""
        rays = torch.cat([(positions - self.axis) / self.focal, torch.ones(len(positions), 1)], 1)
        return rays * sample(self.depth[..., None], positions + middle_of(self.depth), 1)[0]

    def seen(self, points: Tensor) -> Tensor:
        """Where points [P, 3] are about the picture's middle [P, 2]."""
        return points[:, :2] / points[:, 2:] * self.focal + self.axis

    def moved(self, motion: Tensor, points: Tensor) -> Tensor:
        """Where points [P, 3] of the body are seen [P, 2] after a motion [6]."""
        matrix = self.matrix(motion).to(points)
        return self.seen(points @ matrix[:3, :3].T + matrix[:3, 3])

    def matrix(self, motion: Tensor) -> Tensor:
        """The rigid motion [4, 4] in camera axes, float64: a turn about the neck's end in radians
        and a shift in metres."""
        rigid, neck = torch.eye(4, dtype=torch.float64), self.neck.double()
        rigid[:3, :3] = axis_angle_to_matrix(motion[:3].double())
        rigid[:3, 3] = neck + motion[3:].double() - rigid[:3, :3] @ neck
        return rigid


def middle_of(picture: Tensor) -> Tensor:
    """[2] pixels of a picture [H, W, ...]."""
    return torch.tensor([picture.shape[1] / 2, picture.shape[0] / 2])


def usual_body(neck: Tensor, axis: Tensor, focal: float, size: tuple[int, int]) -> Body:
    """A body with a chest as most people have, in pictures of width x height pixels."""
    depth = neck[2].expand(size[1], size[0])
    positions = _pixel_centres(depth, 1) - middle_of(depth)
    x, y = ((positions - axis) / focal * (neck[2] - TOP) - neck[:2]).unbind(1)
    out = (TOP + SLOPE * y).clamp(0, DEPTH) / (1 + (x / WIDTH) ** 6)
    return Body(neck, axis, focal, depth - out.view(depth.shape))


@dataclass(frozen=True)
class Shoulders:
    """The body in a frame, from coarse to fine."""

    levels: Sequence[Tensor]
    """By SCALES, each [h, w, 5]: colours times mask, mask, and whether a pixel may be used."""
    middle: Tensor  # [2] of the picture, pixels


def shoulders(picture: Tensor, person: Tensor, below: Tensor) -> Shoulders:
    """Of a picture [H, W, 3] and the person's mask [H, W] in [0, 1]; below [H, W] bool: where there
    may be shoulders or background."""
    height, width = person.shape
    first = _first_row(below)
    mask, allowed = person[first:, :, None], below[first:, :, None].float()
    planes = torch.cat([picture[first:] * mask * allowed, mask * allowed, allowed], -1)
    middle = torch.tensor([width / 2, height / 2 - first])
    return Shoulders([_allowed_only(level(planes, scale)) for scale in SCALES], middle)


def _first_row(below: Tensor) -> int:
    """The first row that may be used, less the reach of a coarse pixel and its blur."""
    rows = below.any(1).nonzero()
    reach = 4 * SCALES[0]
    return max(0, int(rows[0]) - reach) // SCALES[0] * SCALES[0] if len(rows) else 0


def _allowed_only(planes: Tensor) -> Tensor:
    """Means over the pixels that may be used, whose share is in the last plane."""
    return torch.cat([planes[..., :4] / planes[..., 4:].clamp(min=1e-6), planes[..., 4:]], -1)


def laid_onto(body: Body, mean: Shoulders, frame: Shoulders, start: Tensor) -> Tensor:
    """The motion [6] from the mean to a frame; `start` where the shoulders are hardly visible."""
    found = start.double()
    prior = torch.tensor([TURNS] * 3 + [SHIFTS] * 3).double().square().reciprocal()
    for scale, steps, truth, seen in zip(SCALES, STEPS, mean.levels, frame.levels, strict=True):
        every = max(1, APART // scale)
        rows, columns = (truth[::every, ::every, 4] > 0).nonzero().mul(every).unbind(1)
        points = body.points((torch.stack([columns, rows], 1) + 0.5) * scale - mean.middle)
        wanted, allowed = truth[rows, columns].split([4, 1], 1)
        for _ in range(steps):
            places = body.moved(found, points)
            values, slopes = sample(seen, places + frame.middle, scale)
            weight = allowed * values[:, 4:]  # [P, 1]
            if float(weight.sum()) * (scale * every) ** 2 < LEAST_PIXELS:
                return start
            jacobian = slopes[:, :4] @ _flow(body, places, points)
            normal, gradient = _equations(jacobian, values[:, :4] - wanted, weight)
            found = found - torch.linalg.solve(normal + prior.diag(), gradient + prior * found)
    return found


def _flow(body: Body, places: Tensor, points: Tensor) -> Tensor:
    """How places [P, 2] of the body's points [P, 3] change with its motion: [P, 2, 6]."""
    x, y = ((places - body.axis) / body.focal).unbind(1)
    depth, none = points[:, 2], torch.zeros(len(points))
    by_point = torch.stack(
        [
            torch.stack([1 / depth, none, -x / depth], 1),
            torch.stack([none, 1 / depth, -y / depth], 1),
        ],
        1,
    )  # [P, 2, 3]
    right, down, away = (points - body.neck).unbind(1)
    rows = ([none, away, -down], [-away, none, right], [down, -right, none])
    turned = torch.stack([torch.stack(row, 1) for row in rows], 1)  # [P, 3, 3] of the turn
    by_motion = torch.cat([turned, torch.eye(3).expand(len(points), 3, 3)], 2)
    return body.focal * by_point @ by_motion


def _equations(jacobian: Tensor, error: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Normal matrix [6, 6] and gradient [6] of errors [P, 4] with a jacobian [P, 4, 6]; weight
    [P, 1]."""
    robust = weight * HUBER / error.abs().clamp(min=HUBER) / (SPREAD**2 * SHARED)
    weighted = (jacobian * robust[..., None]).flatten(0, 1)
    return (weighted.T @ jacobian.flatten(0, 1)).double(), (weighted.T @ error.flatten()).double()


def mean_shoulders(body: Body, frames: Sequence[Shoulders]) -> Shoulders:
    """The mean of some aligned frames, at the mean position of the body."""
    mean = frames[len(frames) // 2]
    for _ in range(ROUNDS):
        found = torch.stack([laid_onto(body, mean, one, torch.zeros(6)) for one in frames])
        mean = _mean_of(body, frames, found - found.mean(0))  # small motions add up
    return mean


def _mean_of(body: Body, frames: Sequence[Shoulders], found: Tensor) -> Shoulders:
    """The mean of frames, each moved back by its motion, found [F, 6]."""
    levels = []
    for index, scale in enumerate(SCALES):
        plane = frames[0].levels[index]
        points = body.points(_pixel_centres(plane, scale) - frames[0].middle)
        total = torch.zeros(len(points), 5)
        for one, motion in zip(frames, found, strict=True):
            places = body.moved(motion, points) + one.middle
            values, _ = sample(one.levels[index], places, scale)
            total += torch.cat([values[:, :4] * values[:, 4:], values[:, 4:]], 1)
        levels.append(_allowed_only(total / len(frames)).view(plane.shape))
    return Shoulders(levels, frames[0].middle)


def _pixel_centres(plane: Tensor, scale: int) -> Tensor:
    """Pixel centres [h w, 2] of a level, in pixels of the picture."""
    height, width = plane.shape[:2]
    across, down = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    return torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).flatten(0, 1) * scale


AVERAGED = 24  # frames, spread over the film, that the mean is taken of
SECONDS = 0.08  # between two frames that are aligned: bodies move slowly
STILL = torch.eye(4)


def find_torso_motion(tracking: Tracking, out: Path, poses: Tensor) -> Tensor:
    """Rigid motions [F, 4, 4] of the torso in its world; poses [F, 4, 4] are the head's."""
    view, head = camera(tracking), tracking.model.head

    def look(row: int) -> Shoulders:
        vertices = world_vertices(tracking, row, poses[row], STILL)
        return seen_shoulders(view, head, vertices, *read_kept(out, int(tracking.frames[row])))

    body = usual_body(*neck_in_view(view, head, tracking.rest), tracking.size)
    every = max(1, round(SECONDS * tracking.fps))
    return torso_motions(view, body, look, tracking.frames.numpy(), every)


def neck_in_view(view: Camera, head: Head, rest: Tensor) -> tuple[Tensor, Tensor, float]:
    """The neck's end [3] of a mesh [V, 3] at rest in camera axes, the optical axis [2] from the
    picture's middle, and the focal length, in pixels."""
    neck = rest[head.pose_weights == 0].mean(0)
    axis = view.K[:2, 2] - torch.tensor([view.width / 2, view.height / 2])
    return view.viewmat[:3, :3] @ neck + view.viewmat[:3, 3], axis, float(view.K[0, 0])


def seen_shoulders(
    view: Camera, head: Head, vertices: Tensor, picture: Tensor, person: Tensor, hair: Tensor
) -> Shoulders:
    """A frame below the neck's joint, without the head [V, 3] and hair; a picture [H, W, 3] and
    masks [H, W] in [0, 1]."""
    below = torch.from_numpy(seen_parts(view, head, vertices).faces == NOTHING) & (hair < 0.5)
    below[: max(0, int(project(view, head.pivot[None])[0][0, 1]))] = False
    return shoulders(picture, person, below)


def torso_motions(
    view: Camera, body: Body, look: Callable[[int], Shoulders], frames: Ints, every: int
) -> Tensor:
    """Rigid motions [F, 4, 4] of a body in the world of a camera, in frames [F] that are numbered
    as in the film, by what `every` so many of them shows; the identity where that is hardly
    anything. look: row → what a frame shows."""
    count = len(frames)
    some = torch.linspace(0, count - 1, min(count, AVERAGED)).round().long().tolist()
    mean = mean_shoulders(body, list(spread(look, some)))
    motion, found = torch.zeros(6), []
    rows = sorted({*range(0, count, every), count - 1})
    with progress_bar("shoulders", len(rows)) as done:
        for seen in spread(look, rows):
            motion = laid_onto(body, mean, seen, motion)
            found.append(motion)
            done()
    columns = torch.stack(found).double().numpy().T
    between = np.stack([np.interp(frames, frames[rows], column) for column in columns], 1)
    there = view.viewmat.double()
    motions = torch.stack([body.matrix(torch.from_numpy(one)) for one in between])
    return (torch.linalg.inv(there) @ motions @ there).float()
