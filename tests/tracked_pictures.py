"""The pictures that tracking keeps of a film."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from torch import Tensor

from avatar.reconstruct.capture_writer import PICTURES, picture_path
from avatar.tracking.frames import HAIR


def keep_pictures(folder: Path, frames: Tensor, size: int) -> None:
    """Pictures that grow brighter, all of them person and none hair."""
    for kept in (*PICTURES.values(), HAIR):
        (folder / kept).mkdir()
    full = np.full((size, size), 255, np.uint8)
    for number in frames.tolist():
        picture, person = (picture_path(key, number, 0) for key in ("file_path", "fg_mask_path"))
        imageio.imwrite(folder / picture, np.full((size, size, 3), 20 * number, np.uint8))
        imageio.imwrite(folder / person, full)
        imageio.imwrite(folder / HAIR / Path(picture).name, 0 * full)
