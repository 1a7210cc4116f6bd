"""What lies behind and over the avatar: a colour, a picture, a film or nothing, and a label."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, repeat
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate

from avatar.geometry.picture_file import read_photo
from avatar.video.output import holds_alpha
from avatar.video.reader import colour_frames, film_info
from common.colours import NAMED, parse_colour
from common.errors import InputError
from common.pixels import as_bytes
from splat import Camera

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
TRANSPARENT = "transparent"
BOX, INK = (0, 0, 0, 140), (255, 255, 255, 255)  # of the label
LABEL_HEIGHT, LEAST_HEIGHT = 0.032, 11  # of its letters: of the picture's height, and pixels

Bytes = NDArray[np.uint8]
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Plate:
    """A picture or a film that stands behind the head."""

    path: Path
    film: bool


Background = tuple[float, float, float] | Plate | None
"""Red, green, blue in [0, 1]; None is nothing, which makes pictures transparent."""


def background_of(text: str) -> Background:
    """What --background means. Raises InputError where it is no colour and no readable file."""
    if text.lower() == TRANSPARENT:
        return None
    path = Path(text)
    if not path.is_file():
        try:
            return parse_colour(text)
        except InputError:
            raise InputError(
                f"--background {text}: is neither a colour nor a file; write #rrggbb, "
                f"{', '.join(NAMED)} or {TRANSPARENT}, or name a picture or a film"
            ) from None
    film = path.suffix.lower() not in PICTURES
    _ = film_info(path) if film else read_photo(path)
    return Plate(path, film)


def check_transparent(out: Path) -> None:
    """Refuse a file that cannot hold transparency."""
    if not holds_alpha(out):
        raise InputError(
            f"{out}: cannot hold transparency; name it .webm or .mov, or a new folder for PNG"
        )


def pictures_behind(plate: Plate, cameras: Iterable[Camera], fps: float) -> Iterator[Tensor]:
    """The picture [H, W, 3] in [0, 1] behind each frame, fitted to its camera; a film shows the
    picture of the frame's time, and begins again at its end."""
    films = chain.from_iterable(colour_frames(plate.path, fps=fps) for _ in count())
    pictures = films if plate.film else repeat(read_photo(plate.path).picture)
    shown, fitted = None, torch.empty(0)
    for camera, picture in zip(cameras, pictures, strict=False):
        if picture is not shown:
            shown, fitted = picture, cover(picture, (camera.width, camera.height))
        yield fitted


def cover(picture: Bytes, size: tuple[int, int]) -> Tensor:
    """A picture [h, w, 3] in 0..255 that fills a size (across, down) and is cut at two edges:
    [H, W, 3] in [0, 1]."""
    (high, wide), (across, down) = picture.shape[:2], size
    scale = min(wide / across, high / down)
    kept_wide, kept_high = max(1, round(across * scale)), max(1, round(down * scale))
    left, top = (wide - kept_wide) // 2, (high - kept_high) // 2
    cut = np.ascontiguousarray(picture[top : top + kept_high, left : left + kept_wide])
    planes = torch.from_numpy(cut).permute(2, 0, 1)[None].float()
    fitted = interpolate(planes, (down, across), mode="bilinear", antialias=True)
    return fitted[0].permute(1, 2, 0).div(255).contiguous()


def label_of(text: str, size: tuple[int, int]) -> Tensor:
    """A small text at the lower left of a picture: [H, W, 4] in [0, 1], straight alpha.

    Raises InputError where the font lacks a letter or the text is wider than the picture.
    """
    height = max(LEAST_HEIGHT, round(LABEL_HEIGHT * size[1]))
    font = ImageFont.load_default(height)
    lacking = _glyph("\uffff", font)
    for letter in text:
        if not letter.isprintable() or _glyph(letter, font) == lacking:
            raise InputError(f"--label: the font has no {letter!r}; use Latin letters")
    pad, picture = height // 2, Image.new("RGBA", size)
    drawn = ImageDraw.Draw(picture)
    left, top, right, bottom = drawn.textbbox((2 * pad, size[1] - 2 * pad), text, font, "ls")
    if right + 2 * pad > size[0]:
        raise InputError(f"--label: {text!r} is wider than the picture; shorten it")
    box = (left - pad, top - pad // 2, right + pad, bottom + pad // 2)
    drawn.rounded_rectangle(box, pad, fill=BOX)
    drawn.text((2 * pad, size[1] - 2 * pad), text, INK, font, "ls")
    return torch.from_numpy(np.asarray(picture, np.float32) / 255)


def _glyph(letter: str, font: Font) -> bytes:
    picture = Image.new("L", (99, 99))
    ImageDraw.Draw(picture).text((0, 0), letter, 255, font)
    return picture.tobytes()


def laid_over(pictures: Tensor, label: Tensor | None) -> Tensor:
    """Pictures [..., H, W, 3], or 4 with straight alpha, under a label [H, W, 4]; one of bytes is
    changed."""
    if label is None:
        return pictures
    if pictures.dtype == torch.uint8:
        top = int(label[..., 3].amax(1).nonzero()[0])  # the rows above are empty
        mixed = laid_over(pictures[top:] / 255, label[top:])
        pictures[top:] = torch.from_numpy(as_bytes(mixed.numpy()))
        return pictures
    colour, share = label[..., :3].to(pictures), label[..., 3:].to(pictures)
    if pictures.shape[-1] == 3:
        return torch.lerp(pictures, colour, share)
    alpha = pictures[..., 3:]
    both = share + alpha * (1 - share)
    mixed = torch.lerp(pictures[..., :3], colour, share / both.clamp(min=1e-6))
    return torch.cat([mixed, both], -1)
