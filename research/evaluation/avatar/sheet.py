"""A contact sheet: truth, render, their difference and the face enlarged, view by view."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from common.atomic import write_beside
from research.evaluation.avatar.scores import REGIONS

GAIN = 5
"""How many times brighter than it is the difference is shown."""
ROWS = ("truth", "render", f"{GAIN} x difference", "truth, near", "render, near")
MARGIN = 0.25
"""What stays around eyes and mouth in the near rows, as a share of their extent on each side."""
SMALLEST = 1 / 6
"""The least share of a picture that is shown from near."""
GAP, HEADER, SIDE = 6, 26, 30  # pixels
FONT = 15
FACE = 1 + REGIONS.index("eyes")  # the label of eyes; that of the mouth comes after it
PAPER, INK = "#ffffff", "#222222"


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


def write_sheet(path: Path, columns: Sequence[Compared], comment: str = "") -> None:
    """Write a PNG with a column for every view; all of it appears or nothing. comment: for its
    metadata."""
    metadata = PngInfo()
    if comment:
        metadata.add_text("Comment", comment)
    with write_beside(path) as partial:
        draw_sheet(columns).save(partial, format="PNG", pnginfo=metadata)


def draw_sheet(columns: Sequence[Compared]) -> Image.Image:
    """The sheet; columns may differ in size."""
    widths = [column.truth.shape[1] for column in columns]
    tallest = max(column.truth.shape[0] for column in columns)
    size = (SIDE + sum(widths) + GAP * len(columns), HEADER + len(ROWS) * (tallest + GAP))
    sheet = Image.new("RGB", size, PAPER)
    _label_rows(sheet, tallest)
    left = SIDE
    for column, width in zip(columns, widths, strict=True):
        _write(sheet, (left + width // 2, HEADER // 2), column.caption)
        for row, picture in enumerate(_pictures(column)):
            sheet.paste(picture, (left, HEADER + row * (tallest + GAP)))
        left += width + GAP
    return sheet


def _pictures(column: Compared) -> list[Image.Image]:
    """One for each of ROWS."""
    truth, drawn = (Image.fromarray(_bytes(p)) for p in (column.truth, column.drawn))
    difference = Image.fromarray(_bytes(GAIN * (column.truth - column.drawn).abs()))
    rows, columns = column.near
    box = (columns.start, rows.start, columns.stop, rows.stop)
    near = (p.resize(p.size, Image.Resampling.BICUBIC, box) for p in (truth, drawn))
    return [truth, drawn, difference, *near]


def _label_rows(sheet: Image.Image, tallest: int) -> None:
    """Row titles, upwards along the left side."""
    for row, title in enumerate(ROWS):
        strip = Image.new("RGB", (tallest, SIDE), PAPER)
        _write(strip, (tallest // 2, SIDE // 2), title)
        sheet.paste(strip.rotate(90, expand=True), (0, HEADER + row * (tallest + GAP)))


def _write(image: Image.Image, middle: tuple[int, int], text: str) -> None:
    font = ImageFont.load_default(FONT)
    ImageDraw.Draw(image).text(middle, text, INK, font, anchor="mm")


def _bytes(picture: Tensor) -> NDArray[np.uint8]:
    return (picture.clamp(0, 1) * 255).round().byte().numpy()
