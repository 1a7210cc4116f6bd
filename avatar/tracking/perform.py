"""A film → its performance, without the person who gives it."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from avatar.arkit import Take
from avatar.tracking.film import looks_drawn
from avatar.tracking.options import Sync, TrackingOptions
from avatar.tracking.result import take_of
from avatar.tracking.sound import TrackedSound, tracked_sound
from avatar.tracking.track import track_film


@dataclass(frozen=True)
class Performance:
    """What a face does, and what is heard meanwhile."""

    take: Take  # 52 ARKit weights and head angles
    heard: TrackedSound
    drawn: bool  # whether the face looks like no photograph


def performance_of(film: Path, sync: Sync, device: torch.device) -> Performance:
    """The performance of the face in a film. Raises as `track`; what it keeps of the film is gone
    when it returns."""
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        options, kept = TrackingOptions(), Path(folder)
        tracking, face = track_film(film, options, kept, device)
        drawn = looks_drawn(kept, face, options.size)
    return Performance(take_of(tracking), tracked_sound(film, tracking, sync), drawn)
