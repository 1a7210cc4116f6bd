"""What jaw, lips and tongue of a tracked film do, and the sound that goes with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from avatar.avatar_io.live_link import read_take, sample_take
from avatar.heads.arkit import WEIGHTS
from avatar.tracking.person import RATE, SPOKEN
from avatar.tracking.write import OVERLAY, TAKE
from avatar.video.reader import film_info
from avatar.video.sound import sound_reader
from common.errors import InputError

LIDS = ("eyeBlinkLeft", "eyeBlinkRight")


@dataclass(frozen=True)
class SpokenTake:
    """F frames of a person who speaks; frame f is seen in the middle of its time."""

    names: tuple[str, ...]  # [U] ARKit units
    weights: Tensor  # [F, U] what they add to the person's face at rest
    head: Tensor  # [F, 3] radians: yaw, pitch, roll
    lids: Tensor  # [F] how far both are shut, 0 to 1
    fps: float
    sound: np.ndarray  # [S] float32

    @property
    def lag(self) -> float:
        """Seconds by which the motion comes after the sound, as clips say it."""
        return -0.5 / self.fps


def spoken_take(tracked: Path) -> SpokenTake:
    """What a folder of `track` says of speech. InputError without sound, or as `read_take`."""
    film = film_info(tracked / OVERLAY)
    if film.sound_begin is None:
        raise InputError(f"{tracked}: its film has no sound; film somebody who speaks")
    weights, angles = sample_take(read_take(tracked / TAKE), film.fps)
    spoken = [k for k, name in enumerate(WEIGHTS) if name.startswith(SPOKEN)]
    read = sound_reader(tracked / OVERLAY, RATE)
    return SpokenTake(
        tuple(WEIGHTS[k] for k in spoken),
        weights[:, spoken],
        angles.double(),
        weights[:, [WEIGHTS.index(lid) for lid in LIDS]].mean(1),
        film.fps,
        read(round(len(weights) / film.fps * RATE)).mean(1),
    )
