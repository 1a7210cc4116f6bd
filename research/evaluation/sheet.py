"""Contact sheets: labelled rows of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from common.atomic import write_beside
from common.pixels import as_bytes

GAIN = 5
"""How many times brighter than it is the difference is shown."""
TALL = 288  # pixels of a picture
GAP, HEADER, FONT = 6, 26, 15  # pixels
PAPER, INK = "#ffffff", "#222222"


@dataclass(frozen=True)
class Row:
    """Pictures side by side."""

    title: str
    tiles: list[tuple[str, Tensor]]  # label and [H, W, 3] in [0, 1] of each


def write_rows(path: Path, rows: Sequence[Row], comment: str = "") -> None:
    """Write the rows below each other as a PNG; all of it appears or nothing. comment: for its
    metadata."""
    metadata = PngInfo()
    if comment:
        metadata.add_text("Comment", comment)
    strips = [_strip(row) for row in rows]
    size = (max(strip.width for strip in strips), sum(strip.height for strip in strips))
    sheet = Image.new("RGB", size, PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    with write_beside(path) as partial:
        sheet.save(partial, format="PNG", pnginfo=metadata)


def _strip(row: Row) -> Image.Image:
    tiles = [_scaled(picture) for _, picture in row.tiles]
    width = sum(tile.width + GAP for tile in tiles)
    strip = Image.new("RGB", (width, TALL + 2 * HEADER), PAPER)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(FONT)
    draw.text((GAP, HEADER // 2), row.title, INK, font, anchor="lm")
    left = 0
    for tile, (label, _) in zip(tiles, row.tiles, strict=True):
        draw.text((left + tile.width // 2, HEADER * 3 // 2), label, INK, font, anchor="mm")
        strip.paste(tile, (left, 2 * HEADER))
        left += tile.width + GAP
    return strip


def _scaled(picture: Tensor) -> Image.Image:
    """A picture as high as all."""
    image = Image.fromarray(as_bytes(np.clip(picture.numpy(), 0, 1)))
    width = round(image.width * TALL / image.height)
    return image.resize((width, TALL), Image.Resampling.LANCZOS)
