"""A film → its performance, without the person who gives it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from avatar.arkit import Take
from avatar.tracking.options import TrackingOptions
from avatar.tracking.result import take_of
from avatar.tracking.track import track_film


def performance_of(film: Path, device: torch.device) -> Take:
    """52 ARKit weights and head angles of the face in a film. Raises as `track`; what it keeps of
    the film is gone when it returns."""
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        tracking, _ = track_film(film, TrackingOptions(), Path(folder), device)
    return take_of(tracking)
