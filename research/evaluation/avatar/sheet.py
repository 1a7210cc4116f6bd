"""The views of an avatar's sheet: truth, render, their difference and the face enlarged."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from research.evaluation.avatar.scores import REGIONS
from research.evaluation.sheet import GAIN, Row

MARGIN = 0.25
"""What stays around eyes and mouth in the near rows, as a share of their extent on each side."""
SMALLEST = 1 / 6
"""The least share of a picture that is shown from near."""
FACE = 1 + REGIONS.index("eyes")  # the label of eyes; that of the mouth comes after it


@dataclass(frozen=True)
class Compared:
    """One column of a sheet."""

    caption: str
    truth: Tensor  # [H, W, 3] in [0, 1]
    drawn: Tensor  # [H, W, 3]
    near: tuple[slice, slice]  # rows and columns to show enlarged


def face_window(labels: Tensor) -> tuple[slice, slice]:
    """Rows and columns around eyes and mouth, in the shape of the picture [H, W] of labels; the
    middle where neither is seen."""
    height, width = labels.shape
    found = (labels >= FACE).nonzero().float()  # [P, 2]
    if not len(found):
        found = torch.tensor([[height / 3, width / 3], [2 * height / 3, 2 * width / 3]])
    low, high = found.amin(0), found.amax(0)
    extent = (high - low) * (1 + 2 * MARGIN) / torch.tensor([height, width])
    share = min(1.0, max(SMALLEST, float(extent.max())))
    middle = ((low + high) / 2).tolist()
    return _window(middle[0], height, share), _window(middle[1], width, share)


def _window(middle: float, length: int, share: float) -> slice:
    size = max(1, round(share * length))
    start = min(max(0, round(middle - size / 2)), length - size)
    return slice(start, start + size)


def rows_of(columns: Sequence[Compared]) -> list[Row]:
    """The rows of a sheet with a column for every view."""
    return [
        Row("truth", [(each.caption, each.truth) for each in columns]),
        Row("render", [("", each.drawn) for each in columns]),
        Row(f"{GAIN} x difference", [("", GAIN * (c.truth - c.drawn).abs()) for c in columns]),
        Row("truth, near", [("", each.truth[each.near]) for each in columns]),
        Row("render, near", [("", each.drawn[each.near]) for each in columns]),
    ]
