"""A sheet of an avatar of photos: labelled rows of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from avatar.video.writer import as_bytes
from common.atomic import write_beside
from research.evaluation.avatar.sheet import FONT, GAIN, GAP, HEADER, INK, PAPER
from research.evaluation.photo.likeness import Photographed
from research.evaluation.photo.turning import Look

TALL = 288  # pixels of a picture
FOUND, TRUE = (0.15, 0.45, 1.0), (0.15, 0.85, 0.3)  # dots
DOT = 1  # pixels around its middle


@dataclass(frozen=True)
class Row:
    """Pictures side by side."""

    title: str
    tiles: list[tuple[str, Tensor]]  # label and [H, W, 3] in [0, 1] of each


def beside(photos: Sequence[Photographed]) -> Row:
    """Every photo, the avatar as it shows it, and their difference."""
    row = Row("photo and avatar", [])
    for each in photos:
        row.tiles.append(("photo", each.photo))
        row.tiles.append((f"{each.scores.whole.psnr:.1f} dB", each.drawn))
        row.tiles.append((f"{GAIN} x difference", GAIN * (each.photo - each.drawn).abs()))
    return row


def dotted(seen: Look) -> Tensor:
    """A picture with its landmarks."""
    picture = seen.picture.clone()
    for points, colour in ((seen.true, TRUE), (seen.found, FOUND)):
        if points is None:
            continue
        for column, row in points.round().long().tolist():
            rows = slice(max(0, row - DOT), max(0, row + DOT))
            columns = slice(max(0, column - DOT), max(0, column + DOT))
            picture[rows, columns] = torch.tensor(colour)
    return picture


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows below each other as a PNG; all of it appears or nothing."""
    strips = [_strip(row) for row in rows]
    size = (max(strip.width for strip in strips), sum(strip.height for strip in strips))
    sheet = Image.new("RGB", size, PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    with write_beside(path) as partial:
        sheet.save(partial, format="PNG")


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
