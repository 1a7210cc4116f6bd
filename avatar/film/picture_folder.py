"""A folder of numbered PNG files that appears when it is complete."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo

from common.atomic import folder_beside


@contextmanager
def picture_folder(path: Path, comment: str = "") -> Iterator[Callable[[NDArray[np.uint8]], None]]:
    """Yield a function that writes [H, W, 3] to the next of frame_000001.png, frame_000002.png, …

    The files lie in a folder beside `path` until the block succeeds; on any error, Ctrl-C included,
    it is removed. `path` may be an empty folder. comment: what each picture says of itself.
    """
    count, info = 0, PngInfo()
    if comment:
        info.add_text("Comment", comment)

    def write(image: NDArray[np.uint8]) -> None:
        nonlocal count
        count += 1
        place = partial / f"frame_{count:06d}.png"
        imageio.imwrite(place, image, compress_level=1, pnginfo=info)

    with folder_beside(path) as partial:
        yield write
