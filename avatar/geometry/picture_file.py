"""Pictures from image files."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from avatar.geometry.coloured import Picture
from common.errors import InputError, check_file

BEHIND = 128  # grey that is seen through transparent pixels of a photo
FILM_DIAGONAL = math.hypot(36.0, 24.0)  # millimetres, of the film that focal lengths refer to
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # modes of grey pictures of 16 bits


@dataclass(frozen=True)
class Photo:
    """A photo as it is to be looked at."""

    picture: Picture
    """[H, W, 3], upright, sRGB."""
    focal: float | None
    """The camera's focal length in pixels of the picture, if the file gives it; wrong in a photo
    that was cropped."""
    opacity: Picture | None = None
    """[H, W, 1], if something is transparent."""


def read_picture(path: Path) -> Picture:
    """The picture in a file as it is stored, without its transparency. Raises FileNotFoundError or
    InputError."""
    with opened(path) as image:
        return np.asarray(image.convert("RGB"))


def read_photo(path: Path, longest: int | None = None) -> Photo:
    """A photo, turned and coloured as the file says; what is transparent is grey.

    With `longest` its longer side has at most so many pixels. Raises as `read_picture`.
    """
    with opened(path) as image:
        if longest is not None:
            image.draft(None, (longest, longest))  # JPEG: decode no more than is needed
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
        upright = ImageOps.exif_transpose(_eight_bits(image))
        colours = _in_srgb(_on_grey(upright), image.info.get("icc_profile"))
        alpha = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
        if longest is not None:
            for each in filter(None, (colours, alpha)):
                each.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
        opacity = None if alpha is None else np.array(alpha)[..., None]
        millimetres = exif.get(ExifTags.Base.FocalLengthIn35mmFilm)
        diagonal = math.hypot(*colours.size)
        if not isinstance(millimetres, Real) or not millimetres:
            return Photo(np.array(colours), None, opacity)
        return Photo(np.array(colours), float(millimetres) / FILM_DIAGONAL * diagonal, opacity)


def picture_comment(path: Path) -> str:
    """What the metadata of a .png say of it; nothing where it is no picture."""
    try:
        with opened(path) as image:
            return str(image.info.get("Comment", ""))
    except InputError:
        return ""


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The image in a file; errors in the block become an InputError of one sentence."""
    check_file(path, "picture")
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: is not a picture that can be read ({first}); save it as .png or .jpg"
        ) from None


def _eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits as one of 8, with its orientation; Pillow would clip it."""
    if image.mode not in DEEP:
        return image
    levels = np.asarray(image, np.float64)
    grey = Image.fromarray(np.clip(np.round(levels / 257), 0, 255).astype(np.uint8))
    grey.info = image.info
    return grey


def _on_grey(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    colours = image.convert("RGBA")
    ground = Image.new("RGBA", colours.size, (BEHIND, BEHIND, BEHIND, 255))
    return Image.alpha_composite(ground, colours).convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours of a profile, as phones have (Display P3), in sRGB; unchanged if it is broken or
    of another kind of picture."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except (OSError, ImageCms.PyCMSError):
        return image
    return changed or image
