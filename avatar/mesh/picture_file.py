"""Pictures from image files."""

from pathlib import Path

import numpy as np
from PIL import Image

from avatar.mesh.coloured import Picture
from common.errors import InputError


def read_picture(path: Path) -> Picture:
    """The picture in a file, without its transparency. Raises FileNotFoundError or InputError."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such picture")
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: is not a picture that can be read ({first}); save it as .png or .jpg"
        ) from None
