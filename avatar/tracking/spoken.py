"""What jaw, lips and tongue of a tracked film do, and the sound that goes with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.avatar_io.take_poses import head_angles
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS
from avatar.heads.arkit_fit import fit_weights
from avatar.tracking.write import MOTION, OVERLAY
from avatar.video.reader import film_info
from avatar.video.sound import sound_reader
from common.errors import InputError

RATE = 16_000  # samples per second of the sound
SPOKEN = ("jaw", "mouth", "cheekPuff", "tongueOut")  # the units that speech moves
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
    """What a folder of `track` says of speech. InputError without sound, or as `open_motion`."""
    if film_info(tracked / OVERLAY).sound_begin is None:
        raise InputError(f"{tracked}: its film has no sound; film somebody who speaks")
    motion = open_motion(tracked / MOTION)
    weights, _ = fit_weights(load_head(), motion_chunks(motion))
    spoken = [k for k, name in enumerate(WEIGHTS) if name.startswith(SPOKEN)]
    read = sound_reader(tracked / OVERLAY, RATE)
    return SpokenTake(
        tuple(WEIGHTS[k] for k in spoken),
        weights[:, spoken],
        head_angles(motion.head_pose.double()),
        weights[:, [WEIGHTS.index(lid) for lid in LIDS]].mean(1),
        motion.fps,
        read(round(len(weights) / motion.fps * RATE)).mean(1),
    )
