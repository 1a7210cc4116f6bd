"""What jaw, lips and tongue of a tracked film do, and the sound that goes with it; how much the
person's head moves while they speak and how often they blink, beside what the generator does with
the same sound."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from audio2mesh.prosody.listener import prosody_of
from avatar.avatar_io.live_link import read_take, sample_take
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import BLINK_UNITS, live
from avatar.geometry.rotations import head_angles
from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS
from avatar.tracking.person import RATE, SPOKEN
from avatar.tracking.write import OVERLAY, TAKE
from avatar.video.reader import film_info
from avatar.video.sound import sound_reader
from common.errors import InputError


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
        weights[:, [WEIGHTS.index(lid) for lid in BLINK_UNITS]].mean(1),
        film.fps,
        read(round(len(weights) / film.fps * RATE)).mean(1),
    )


TAKES = 4  # of the generator, that chance may count less
CLOSED = 0.5  # weight of a lid from which it blinks
MEMORY = 20.0  # seconds of film that count as much as knowing nothing
LIMIT = 2.0  # by which a habit may be stronger or weaker


def habits_of(take: SpokenTake) -> dict[str, float]:
    """Factors of the head's motion and of the rate of blinks; of a short film they are smaller."""
    prosody, frames, pivot = prosody_of(take.sound), len(take.weights), load_head().pivot
    seconds = frames / take.fps
    trust = seconds / (seconds + MEMORY)
    made = [live(prosody, take.fps, frames, pivot, Behaviour(take=k)) for k in range(TAKES)]
    turns = np.mean([_turns(head_angles(life.head_pose)) for life in made], axis=0)  # [3]
    blinks = np.mean([blink_count(life.unit_weights[BLINK_UNITS[0]]) for life in made])
    head = float(np.exp(np.log((_turns(take.head) + 1e-3) / (turns + 1e-3)).mean()))
    found = {"head": head, "blinks": (blink_count(take.lids) + 1) / (blinks + 1)}
    return {name: float(np.clip(x**trust, 1 / LIMIT, LIMIT)) for name, x in found.items()}


def blink_count(lids: Tensor) -> int:
    """How often lids of weights [F] close."""
    shut = lids > CLOSED
    return int((shut[1:] & ~shut[:-1]).sum())


def _turns(angles: Tensor) -> Floats:
    """Standard deviations [3] of yaw, pitch and roll [F, 3]."""
    return angles.double().std(0).numpy()
