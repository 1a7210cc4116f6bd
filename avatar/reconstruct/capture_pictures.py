"""The picture of a view: read, masked and composited onto a background; and the sizes of pictures
by their headers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.geometry.picture_file import opened
from avatar.reconstruct.capture import View
from common.errors import InputError
from common.parallel import in_order
from common.progress import progress_bar

Bytes = NDArray[np.uint8]

PLAIN_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I")
"""Pillow's names of pixels that are grey or coloured with 1, 8 or 16 bits; others, as those with a
palette, are converted."""
LAST_LABEL = 4
NEAR = 8
"""How far, of 255, a white backdrop may be from white: what JPEG leaves of it."""
PLAIN = 0.99
"""The share of the pixels behind the subject that must be white for the backdrop to be."""
SAMPLED = 7  # of so many pixels behind the subject one is looked at
EDGE = 0.9
"""The share of the pixels at the subject's edge that must be blended with white."""


@dataclass(frozen=True)
class Picture:
    """A picture of the subject alone."""

    color: Bytes  # [H, W, 3] multiplied by the mask
    mask: Bytes  # [H, W] 255 where the subject is


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height from the header. Raises FileNotFoundError or InputError."""
    with opened(path) as image:
        return image.size


def read_picture(view: View) -> Picture:
    """The picture of a view without its background.

    The mask is the view's, or else the picture's alpha, or else everything. A picture that already
    lies on plain white, as VHAP writes it, has that taken off; any other is multiplied by the mask.
    Raises InputError or OSError that names the file.
    """
    pixels = _read(view.image)  # [H, W, C]
    color = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1].repeat(3, -1)
    alpha = pixels[..., -1] if pixels.shape[2] in (2, 4) else None
    mask = _read(view.mask)[..., 0] if view.mask else alpha
    if mask is None:
        mask = np.full(color.shape[:2], 255, np.uint8)
    expected = (view.camera.height, view.camera.width)
    for path, found in ((view.image, color), (view.mask, mask)):
        if found.shape[:2] != expected:
            raise InputError(f"{path}: changed its size since the capture was opened")
    on_white = alpha is None and _is_on_white(color, mask)
    cut_out = _take_off_white(color, mask) if on_white else _multiplied(color, mask)
    return Picture(cut_out, np.ascontiguousarray(mask))


def read_labels(view: View) -> Tensor:
    """The region [H, W] int64 of every pixel of a view that has `labels`.

    Raises InputError or OSError that names the file.
    """
    assert view.labels is not None
    pixels = _read(view.labels)
    if pixels.shape != (view.camera.height, view.camera.width, 1) or pixels.max() > LAST_LABEL:
        raise InputError(
            f"{view.labels}: is not a grey picture of region labels from 0 to {LAST_LABEL} in the "
            "size of its picture"
        )
    return torch.from_numpy(pixels[..., 0]).to(torch.int64)


def composite(picture: Picture, background: Tensor) -> Tensor:
    """A picture [H, W, 3] float32 in [0, 1] over a background [3], on the background's device."""
    color = torch.from_numpy(picture.color).to(background.device)
    clear = 255 - torch.from_numpy(picture.mask).to(background.device)
    return torch.addcmul(color.float(), clear[..., None].float(), background).div_(255)


def _read(path: Path) -> Bytes:  # [H, W, C]
    with opened(path) as image:
        if image.mode not in PLAIN_MODES:
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        pixels = np.array(image)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _is_on_white(color: Bytes, mask: Bytes) -> bool:
    """Whether the subject was already blended onto white: white behind it, and lit up at its edges
    by at least the share that the mask leaves to the background."""
    colors, shares = color.reshape(-1, 3), mask.ravel()

    def white_share(pixels: NDArray[np.intp]) -> float:
        lit = colors[pixels].min(1).astype(np.int16) + shares[pixels] >= 255 - NEAR
        return float(lit.mean()) if len(lit) else 1.0

    behind = np.flatnonzero(shares == 0)
    edge = np.flatnonzero((shares > 0) & (shares < 255))
    return len(behind) > 0 and white_share(behind[::SAMPLED]) >= PLAIN and white_share(edge) >= EDGE


def _take_off_white(color: Bytes, mask: Bytes) -> Bytes:
    """color·mask of a picture that is color·mask + white·(1 − mask)."""
    white = 255 - mask[..., None]
    return np.where(color > white, color - white, 0).astype(np.uint8)


def _multiplied(color: Bytes, mask: Bytes) -> Bytes:
    share = mask[..., None].astype(np.uint16)
    return ((color * share + 127) // 255).astype(np.uint8)


Size = tuple[int, int]  # width, height in pixels

WORKERS = 8  # threads, which mostly wait for the disk
AHEAD = 64  # pictures that they look at before they are asked for


def picture_sizes(path: Path, names: Sequence[str]) -> dict[str, Size]:
    """The sizes of pictures by their names, which a file at `path` gives relative to its folder.

    Ends early at a picture that is missing or unreadable: the caller reports it.
    """
    found: dict[str, Size] = {}
    sizes = in_order(lambda name: _size(path.parent / name), names, WORKERS, AHEAD)
    with progress_bar(path.name, len(names), "pictures/s") as show:
        for name, size in zip(names, sizes, strict=True):
            if size is None:
                break
            found[name] = size
            show()
    return found


def _size(picture: Path) -> Size | None:
    try:
        return picture_size(picture)
    except (OSError, ValueError):
        return None
