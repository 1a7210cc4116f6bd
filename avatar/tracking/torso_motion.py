"""Motion of the torso: the picture below the head, aligned with its mean over the film.

Lucas and Kanade's (1981) alignment by a similarity per frame (scale, rotation in the picture and
shift), taken as the rigid motion of a body at the depth of the neck's end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.zbuffer import NOTHING, project
from avatar.tracking.frames import read_kept
from avatar.tracking.pyramid import level, sample
from avatar.tracking.regions import seen_parts
from avatar.tracking.result import Tracking, camera, world_vertices
from common.parallel import spread
from common.progress import progress_bar

SCALES = (8, 4, 2)  # pixels of the picture for one of a level, the finest last
STEPS = (4, 3, 2)  # on each of them
SPREAD, HUBER = 0.05, 0.1  # of colours in [0, 1]
SHARED = 50.0  # pixels with correlated errors that count as one
PRIOR_SPREAD = (
    0.03,
    0.03,
    20.0,
    20.0,
)  # of growth, turn in radians, shift in pixels
APART = 4  # pixels of the picture between samples, at least
LEAST_PIXELS = 800.0  # of shoulders, below which the motion is unknown
CHEST = 0.06  # metres: how much nearer to the camera than the neck's end a body is on average
ROUNDS = 2  # of the mean and the alignment


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


def laid_onto(mean: Shoulders, frame: Shoulders, start: Tensor) -> Tensor:
    """The similarity [4] from the mean to a frame: growth and turn about the picture's middle, and
    shift in pixels; `start` where the shoulders are hardly visible."""
    found = start.double()
    prior = 1 / torch.tensor(PRIOR_SPREAD).double().square()
    for scale, steps, truth, seen in zip(SCALES, STEPS, mean.levels, frame.levels, strict=True):
        every = max(1, APART // scale)
        rows, columns = (truth[::every, ::every, 4] > 0).nonzero().mul(every).unbind(1)
        positions = (torch.stack([columns, rows], 1) + 0.5) * scale - mean.middle
        wanted, allowed = truth[rows, columns].split([4, 1], 1)
        for _ in range(steps):
            values, slopes = sample(seen, moved(found, positions) + frame.middle, scale)
            weight = allowed * values[:, 4:]  # [P, 1]
            if float(weight.sum()) * (scale * every) ** 2 < LEAST_PIXELS:
                return start
            normal, gradient = _equations(positions, values[:, :4] - wanted, slopes[:, :4], weight)
            found = found - torch.linalg.solve(normal + prior.diag(), gradient + prior * found)
    return found


def _equations(
    positions: Tensor, error: Tensor, slopes: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Normal matrix [4, 4] and gradient [4] of errors [P, 4] by a similarity of positions [P, 2];
    slopes [P, 4, 2], weight [P, 1]."""
    x, y = positions[:, :1], positions[:, 1:]
    along, down = slopes.unbind(2)
    by = torch.stack([along * x + down * y, down * x - along * y, along, down], 2)
    jacobian = by.flatten(0, 1)
    robust = weight * HUBER / error.abs().clamp(min=HUBER) / (SPREAD**2 * SHARED)
    weighted = jacobian * robust.flatten()[:, None]
    return (weighted.T @ jacobian).double(), (weighted.T @ error.flatten()).double()


def moved(similarity: Tensor, positions: Tensor) -> Tensor:
    """Places [P, 2] about the picture's middle after a similarity [4]."""
    growth, turn, right, down = similarity.to(positions).unbind()
    x, y = positions.unbind(1)
    across, along = x + growth * x - turn * y + right, y + growth * y + turn * x + down
    return torch.stack([across, along], 1)


def mean_shoulders(frames: Sequence[Shoulders]) -> Shoulders:
    """The mean of some aligned frames, at the mean position of the body."""
    mean = frames[len(frames) // 2]
    for _ in range(ROUNDS):
        found = torch.stack([laid_onto(mean, one, torch.zeros(4)) for one in frames])
        mean = _mean_of(frames, [_seen_from(found.mean(0), one) for one in found])
    return mean


def _seen_from(middle: Tensor, similarity: Tensor) -> Tensor:
    """A similarity relative to `middle`: z → s·z + t in complex numbers."""
    (scale, shift), (by, to) = _complex(similarity), _complex(middle)
    scale /= by
    shift -= scale * to
    return torch.tensor([scale.real - 1, scale.imag, shift.real, shift.imag]).double()


def _complex(similarity: Tensor) -> tuple[complex, complex]:
    growth, turn, right, down = similarity.tolist()
    return complex(1 + growth, turn), complex(right, down)


def _mean_of(frames: Sequence[Shoulders], found: Sequence[Tensor]) -> Shoulders:
    """The mean of frames, each moved back by its similarity."""
    levels = []
    for index, scale in enumerate(SCALES):
        plane = frames[0].levels[index]
        positions = _pixel_centres(plane, scale) - frames[0].middle
        total = torch.zeros(len(positions), 5)
        for one, similarity in zip(frames, found, strict=True):
            values, _ = sample(one.levels[index], moved(similarity, positions) + one.middle, scale)
            total += torch.cat([values[:, :4] * values[:, 4:], values[:, 4:]], 1)
        levels.append(_allowed_only(total / len(frames)).view(plane.shape))
    return Shoulders(levels, frames[0].middle)


def _pixel_centres(plane: Tensor, scale: int) -> Tensor:
    """Pixel centres [h w, 2] of a level, in pixels of the picture."""
    height, width = plane.shape[:2]
    across, down = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    return torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).flatten(0, 1) * scale


def rigid_motion(similarity: Tensor, axis: Tensor, focal: float, neck_depth: float) -> Tensor:
    """The rigid motion [4, 4] in camera axes of a body that moves in the picture as a similarity.

    axis [2]: from the picture's middle to where the optical axis meets it, in pixels; neck_depth:
    metres from the camera to the neck's end.
    """
    scale, shift = _complex(similarity)
    shift += (scale - 1) * complex(*axis.tolist())
    growth = abs(scale)
    turn, depth = scale / growth, neck_depth - CHEST
    metres = shift * depth / (focal * growth)
    motion = torch.eye(4, dtype=torch.float64)
    motion[:2, :2] = torch.tensor([[turn.real, -turn.imag], [turn.imag, turn.real]])
    motion[:3, 3] = torch.tensor([metres.real, metres.imag, depth / growth - depth])
    return motion


AVERAGED = 24  # frames, spread over the film, that the mean is taken of
SECONDS = 0.08  # between two frames that are aligned: bodies move slowly
STILL = torch.eye(4)


def find_torso_motion(tracking: Tracking, out: Path, poses: Tensor) -> Tensor:
    """Rigid motions [F, 4, 4] of the torso in its world; poses [F, 4, 4] are the head's.

    The identity where shoulders are hardly visible.
    """
    view, count, look = camera(tracking), len(tracking.states), _observer(tracking, out, poses)
    back, there = torch.linalg.inv(view.viewmat.double()), view.viewmat.double()
    axis = view.K[:2, 2] - torch.tensor(tracking.size) / 2
    neck = tracking.rest[tracking.model.head.pose_weights == 0].double()
    depth = float((neck @ there[2, :3]).mean() + there[2, 3])
    some = torch.linspace(0, count - 1, min(count, AVERAGED)).round().long().tolist()
    mean = mean_shoulders(list(spread(look, some)))
    similarity, found = torch.zeros(4), []
    every = max(1, round(SECONDS * tracking.fps))
    rows = sorted({*range(0, count, every), count - 1})
    with progress_bar("shoulders", len(rows)) as done:
        for seen in spread(look, rows):
            similarity = laid_onto(mean, seen, similarity)
            found.append(similarity)
            done()
    frames = tracking.frames.numpy()
    columns = torch.stack(found).double().numpy().T
    between = np.stack([np.interp(frames, frames[rows], column) for column in columns], 1)
    return torch.stack(
        [
            back @ rigid_motion(torch.from_numpy(one), axis, tracking.person.focal, depth) @ there
            for one in between
        ]
    ).float()


def _observer(tracking: Tracking, out: Path, poses: Tensor) -> Callable[[int], Shoulders]:
    """A function: row → the frame below the neck's joint, without head and hair."""
    view, head = camera(tracking), tracking.model.head
    joint = max(0, int(project(view, head.pivot[None])[0][0, 1]))

    def look(row: int) -> Shoulders:
        picture, person, hair = read_kept(out, int(tracking.frames[row]))
        seen = seen_parts(view, head, world_vertices(tracking, row, poses[row], STILL))
        below = torch.from_numpy(seen.faces == NOTHING) & (hair < 0.5)
        below[:joint] = False
        return shoulders(picture, person, below)

    return look
