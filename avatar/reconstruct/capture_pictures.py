"""The picture of a view: read, masked and composited onto a background; and the sizes of pictures
by their headers, cached for files that are unchanged.
"""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avatar.reconstruct.capture import View
from common.arrays import pick, read_arrays
from common.atomic import write_beside
from common.cache import cache_folder, drop_oldest, mark_used
from common.errors import InputError
from common.progress import progress_bar

Background = Literal["white", "black", "random"]
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
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from None


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


def background_colour(choice: Background, generator: torch.Generator) -> Tensor:
    """RGB [3] in [0, 1]; `generator` draws the random one."""
    match choice:
        case "white":
            return torch.ones(3)
        case "black":
            return torch.zeros(3)
        case "random":
            return torch.rand(3, generator=generator)
        case _:
            assert_never(choice)


def _read(path: Path) -> Bytes:  # [H, W, C]
    try:
        with Image.open(path) as image:
            if image.mode not in PLAIN_MODES:
                image = image.convert("RGBA" if "transparency" in image.info else "RGB")
            pixels = np.array(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(path, error) from None
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype != np.uint8:
        pixels = (pixels >> 8).astype(np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _unreadable(path: Path, error: Exception) -> InputError:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(f"{path} is not a picture that can be read ({first})")


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
Row = tuple[int, ...]  # bytes, ns of the last change, width, height
Rows = dict[str, Row]

WORKERS = 8  # threads, which mostly wait for the disk
BATCH = 256  # pictures that a thread looks at in one go
KEPT = 100  # captures, of up to some MB each


def picture_sizes(path: Path, names: Sequence[str]) -> dict[str, Size]:
    """The sizes of pictures by their names, which a file at `path` gives relative to its folder.

    Ends early at a picture that is missing or unreadable: the caller reports it.
    """
    if not names:
        return {}
    known, found, broken = _remembered(path), Rows(), False

    def rows(batch: Sequence[str]) -> list[Row | None]:
        return [_row(os.path.join(path.parent, name), known.get(name)) for name in batch]

    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    with (
        progress_bar(path.name, len(names), "pictures/s") as show,
        ThreadPoolExecutor(WORKERS, "headers") as pool,
    ):
        try:
            for batch, measured in zip(batches, pool.map(rows, batches), strict=True):
                found |= {name: row for name, row in zip(batch, measured, strict=True) if row}
                show(len(found))
                if broken := None in measured:
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    if not found.items() <= known.items():
        _remember(path, known | found if broken else found)
    return {name: (width, height) for name, (_, _, width, height) in found.items()}


def _row(picture: str, known: Row | None) -> Row | None:
    """What is known of a picture if its file is still the same, else its header's; None where
    there is none."""
    try:
        file = os.stat(picture)
        stamp = (file.st_size, file.st_mtime_ns)
        if known is not None and known[:2] == stamp:
            return known
        return (*stamp, *picture_size(Path(picture)))
    except (OSError, ValueError):
        return None


def _cache_file(path: Path) -> Path:
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return cache_folder() / "picture-sizes" / f"{key}.npz"


def _remembered(path: Path) -> Rows:
    """The rows of the last time; none where they cannot be read."""
    file = _cache_file(path)
    try:
        arrays = read_arrays(file)
        names = pick(file, arrays, "names").tobytes().decode(errors="surrogatepass").split("\0")
        rows = pick(file, arrays, "rows")
    except (OSError, ValueError):
        return {}
    if rows.dtype != np.int64 or rows.shape != (len(names), 4):
        return {}
    mark_used(file)
    return dict(zip(names, map(tuple, rows.tolist()), strict=True))


def _remember(path: Path, rows: Mapping[str, Row]) -> None:
    file = _cache_file(path)
    names = "\0".join(rows).encode(errors="surrogatepass")
    arrays = {"names": np.frombuffer(names, np.uint8), "rows": np.array([*rows.values()], np.int64)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with write_beside(file) as partial:
            np.savez_compressed(partial, **arrays)
        drop_oldest(file.parent, KEPT)
    except OSError as error:
        print(f"{file} could not be kept: {error.strerror or error}", file=sys.stderr)
