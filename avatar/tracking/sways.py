"""How the shoulders of a tracked person sway, by the pictures that were kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.mesh.pinhole import project
from avatar.mesh.zbuffer import NOTHING
from avatar.tracking.film import read_kept
from avatar.tracking.regions import seen_parts
from avatar.tracking.result import Tracking, camera, world_vertices
from avatar.tracking.shoulders import Shoulders, laid_onto, mean_shoulders, shoulders, sway
from common.parallel import spread
from common.progress import progress_bar

AVERAGED = 24  # frames, spread over the film, that tell where the shoulders are on average
SECONDS = 0.08  # between two frames that are looked at: bodies sway slowly
STILL = torch.eye(4)


def find_sways(tracking: Tracking, out: Path, poses: Tensor) -> Tensor:
    """Rigid motions [F, 4, 4] of the torso in its world; poses [F, 4, 4] are the head's.

    The identity where shoulders are hardly seen.
    """
    view, count, look = camera(tracking), len(tracking.moments), _looking(tracking, out, poses)
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
            back @ sway(torch.from_numpy(one), axis, tracking.person.focal, depth) @ there
            for one in between
        ]
    ).float()


def _looking(tracking: Tracking, out: Path, poses: Tensor) -> Callable[[int], Shoulders]:
    """What tells what a frame shows lower than the neck's joint, without head and hair."""
    view, head = camera(tracking), tracking.model.head
    joint = max(0, int(project(view, head.pivot[None])[0][0, 1]))

    def look(row: int) -> Shoulders:
        picture, person, hair = read_kept(out, int(tracking.frames[row]))
        seen = seen_parts(view, head, world_vertices(tracking, row, poses[row], STILL))
        below = torch.from_numpy(seen.faces == NOTHING) & (hair < 0.5)
        below[:joint] = False
        return shoulders(picture, person, below)

    return look
