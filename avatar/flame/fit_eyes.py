"""How FLAME's eyes are turned in a motion of its vertices."""

import torch
from torch import Tensor

from avatar.flame.indices import LEFT_EYEBALL, RIGHT_EYEBALL


def eye_turns(ahead: Tensor, seen: Tensor) -> Tensor:
    """Rotations [f, 2, 3, 3] of the left and the right eyeball from vertices [f, V, 3] that look
    ahead to those that were seen.

    The least squares of Kabsch (1976), Acta Crystallographica A32:922-3.
    """
    found = []
    for eyeball in (LEFT_EYEBALL, RIGHT_EYEBALL):
        part = slice(eyeball.start, eyeball.stop)
        source, target = (v[:, part] - v[:, part].mean(1, keepdim=True) for v in (ahead, seen))
        u, _, vt = torch.linalg.svd(target.transpose(1, 2) @ source)
        proper = torch.ones_like(u[:, 0])
        proper[:, 2] = torch.det(u @ vt)
        found.append(u @ (proper[:, :, None] * vt))
    return torch.stack(found, 1)


def turned_eyes(ahead: Tensor, turns: Tensor) -> Tensor:
    """Vertices [f, V, 3] with both eyeballs turned by [f, 2, 3, 3] about their middles."""
    moved = ahead.clone()
    for number, eyeball in enumerate((LEFT_EYEBALL, RIGHT_EYEBALL)):
        part = slice(eyeball.start, eyeball.stop)
        middle = ahead[:, part].mean(1, keepdim=True)
        moved[:, part] = (ahead[:, part] - middle) @ turns[:, number].transpose(1, 2) + middle
    return moved
