"""Where a film cuts from one shot to another."""

from collections import deque
from collections.abc import Iterable, Iterator

import torch.nn.functional as F
from torch import Tensor

SIZE = 16  # pixels across and down in which frames are compared
CUT = 0.05  # the least mean difference of two frames' colours, in [0, 1], that can be a cut
SUDDEN = 4.0  # and how many times the difference of the frames just before it is
BEFORE = 2  # so many of them


def numbered_by_shot(pictures: Iterable[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Each of the pictures [H, W, 3] in [0, 1] with the number of cuts before it.

    A cut is a large and sudden change. Light that changes for the whole picture is none, nor is a
    person who moves in front of it.
    """
    shot, last, changes = 0, None, deque([0.0], BEFORE)
    for picture in pictures:
        now = _thumbnail(picture)
        change = 0.0 if last is None else float((now - last).abs().mean())
        shot += change > max(CUT, SUDDEN * max(changes))
        changes.append(change)
        last = now
        yield shot, picture


def _thumbnail(picture: Tensor) -> Tensor:
    """[3, SIZE, SIZE] less its mean brightness."""
    small = F.adaptive_avg_pool2d(picture.permute(2, 0, 1), SIZE)
    return small - small.mean()
