"""The film to check a tracking by keeps the time of the film that was tracked."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from films import decoded
from performances import performance

from avatar.capture.write import PICTURES, picture_path
from avatar.tracking.film import HAIR
from avatar.tracking.result import Tracking
from avatar.tracking.write import OVERLAY, write_tracking

FRAMES = torch.tensor([2, 3, 6, 7])  # the face is lost in two
SIZE = 64


def keep_pictures(folder: Path) -> None:
    """Pictures that grow brighter, all of them person and none hair."""
    for kept in (*PICTURES.values(), HAIR):
        (folder / kept).mkdir()
    full = np.full((SIZE, SIZE), 255, np.uint8)
    for number in FRAMES.tolist():
        picture, person = (picture_path(key, number, 0) for key in ("file_path", "fg_mask_path"))
        imageio.imwrite(folder / picture, np.full((SIZE, SIZE, 3), 20 * number, np.uint8))
        imageio.imwrite(folder / person, full)
        imageio.imwrite(folder / HAIR / Path(picture).name, 0 * full)


def test_the_overlay_stands_still_where_the_face_is_lost(tmp_path: Path):
    shown = performance(frames=len(FRAMES))
    size = (SIZE, SIZE)
    tracking = Tracking(shown.model, shown.person, shown.moments, FRAMES, 25.0, size)
    keep_pictures(tmp_path)
    write_tracking(tracking, tmp_path, None, 0.0)
    brightness = [frame[:, :SIZE].mean() for frame in decoded(tmp_path / OVERLAY)]
    np.testing.assert_allclose(brightness, [40, 60, 60, 60, 120, 140], atol=3)
