"""The film to check a tracking by keeps the time of the film that was tracked."""

from pathlib import Path

import numpy as np
import torch
from films import decoded
from performances import performance
from tracked_pictures import keep_pictures

from avatar.tracking.result import Tracking
from avatar.tracking.write import OVERLAY, write_tracking

FRAMES = torch.tensor([2, 3, 6, 7])  # the face is lost in two
SIZE = 64


def test_the_overlay_stands_still_where_the_face_is_lost(tmp_path: Path):
    shown = performance(frames=len(FRAMES))
    size = (SIZE, SIZE)
    tracking = Tracking(shown.model, shown.person, shown.states, FRAMES, 25.0, size)
    keep_pictures(tmp_path, FRAMES, SIZE)
    write_tracking(tracking, tmp_path, lambda: None, 0.0)
    brightness = [frame[:, :SIZE].mean() for frame in decoded(tmp_path / OVERLAY)]
    np.testing.assert_allclose(brightness, [40, 60, 60, 60, 120, 140], atol=3)
