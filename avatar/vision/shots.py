"""Where a film cuts from one shot to another."""

from collections.abc import Iterable, Iterator

import torch.nn.functional as F
from torch import Tensor

SIZE = 16  # pixels across and down in which frames are compared
CUT = 0.08  # the least mean difference of two frames' colours, in [0, 1], that can be a cut
SUDDEN = 4.0  # and how many times the usual difference it is
FADING = 0.9  # of what was usual, that still counts a frame later


def numbered_by_shot(pictures: Iterable[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Each of the pictures [H, W, 3] in [0, 1] with the number of cuts before it.

    A cut is a large and sudden change. Light that changes for the whole picture is none, nor is a
    person who moves in front of it.
    """
    shot, before, usual = 0, None, 0.0
    for picture in pictures:
        now = _thumbnail(picture)
        change = 0.0 if before is None else float((now - before).abs().mean())
        if change > max(CUT, SUDDEN * usual):
            shot, usual = shot + 1, 0.0
        else:
            usual = FADING * usual + (1 - FADING) * change
        before = now
        yield shot, picture


def _thumbnail(picture: Tensor) -> Tensor:
    """[3, SIZE, SIZE] less its mean brightness."""
    small = F.adaptive_avg_pool2d(picture.permute(2, 0, 1), SIZE)
    return small - small.mean()
