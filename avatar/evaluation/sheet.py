"""A picture of pictures: truth, drawing and their difference, view by view."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from splat import write_beside

GAIN = 5
"""How many times brighter than it is the difference is shown."""
ROWS = ("truth", "render", f"{GAIN} x difference")
GAP, HEADER, SIDE = 6, 26, 30  # pixels
FONT = 15
PAPER, INK = "#ffffff", "#222222"


@dataclass(frozen=True)
class Compared:
    """One column of a sheet."""

    caption: str
    truth: Tensor  # [H, W, 3] in [0, 1]
    drawn: Tensor  # [H, W, 3]


def write_sheet(path: Path, columns: Sequence[Compared]) -> None:
    """Write a PNG with a column for every view; all of it appears or nothing."""
    with write_beside(path) as partial:
        draw_sheet(columns).save(partial, format="PNG")


def draw_sheet(columns: Sequence[Compared]) -> Image.Image:
    """The sheet; columns may differ in size."""
    widths = [column.truth.shape[1] for column in columns]
    tallest = max(column.truth.shape[0] for column in columns)
    size = (SIDE + sum(widths) + GAP * len(columns), HEADER + len(ROWS) * (tallest + GAP))
    sheet = Image.new("RGB", size, PAPER)
    _write_rows(sheet, tallest)
    left = SIDE
    for column, width in zip(columns, widths, strict=True):
        _write(sheet, (left + width // 2, HEADER // 2), column.caption)
        difference = GAIN * (column.truth - column.drawn).abs()
        for row, picture in enumerate((column.truth, column.drawn, difference)):
            top = HEADER + row * (tallest + GAP)
            sheet.paste(Image.fromarray(_bytes(picture)), (left, top))
        left += width + GAP
    return sheet


def _write_rows(sheet: Image.Image, tallest: int) -> None:
    """What each row shows, upwards along the left side."""
    for row, words in enumerate(ROWS):
        strip = Image.new("RGB", (tallest, SIDE), PAPER)
        _write(strip, (tallest // 2, SIDE // 2), words)
        sheet.paste(strip.rotate(90, expand=True), (0, HEADER + row * (tallest + GAP)))


def _write(image: Image.Image, middle: tuple[int, int], words: str) -> None:
    font = ImageFont.load_default(FONT)
    ImageDraw.Draw(image).text(middle, words, INK, font, anchor="mm")


def _bytes(picture: Tensor) -> NDArray[np.uint8]:
    return (picture.clamp(0, 1) * 255).round().byte().numpy()
