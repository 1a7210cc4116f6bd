"""How much a person's head moves while they speak and how often they blink, beside what the
generator does with the same sound."""

import numpy as np
from torch import Tensor

from audio2mesh.prosody.listener import prosody_of
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import BLINK_UNITS, Life, live
from avatar.geometry.rotations import head_angles
from avatar.geometry.vectors import Floats
from avatar.heads import load_head
from avatar.tracking.spoken import SpokenTake

TAKES = 4  # of the generator, that chance may count less
CLOSED = 0.5  # weight of a lid from which it blinks
MEMORY = 20.0  # seconds of film that count as much as knowing nothing
LIMIT = 2.0  # by which a habit may be stronger or weaker


def habits_of(take: SpokenTake) -> dict[str, float]:
    """Factors of the head's motion and of the rate of blinks; of a short film they are smaller."""
    prosody, frames = prosody_of(take.sound), len(take.weights)
    pivot, trust = load_head().pivot, _trust(frames / take.fps)
    made = [live(prosody, take.fps, frames, pivot, Behaviour(take=k)) for k in range(TAKES)]
    turns = np.mean([_turns(head_angles(life.head_pose)) for life in made], axis=0)  # [3]
    blinks = float(np.mean([_blinks_of(life) for life in made]))
    head = float(np.exp(np.log((_turns(take.head) + 1e-3) / (turns + 1e-3)).mean()))
    found = {"head": head, "blinks": (blink_count(take.lids) + 1) / (blinks + 1)}
    return {name: float(np.clip(x**trust, 1 / LIMIT, LIMIT)) for name, x in found.items()}


def blink_count(lids: Tensor) -> int:
    """How often lids of weights [F] close."""
    shut = lids > CLOSED
    return int((shut[1:] & ~shut[:-1]).sum())


def _blinks_of(life: Life) -> int:
    return blink_count(life.unit_weights[BLINK_UNITS[0]])


def _turns(angles: Tensor) -> Floats:
    """Standard deviations [3] of yaw, pitch and roll [F, 3]."""
    return angles.double().std(0).numpy()


def _trust(seconds: float) -> float:
    return seconds / (seconds + MEMORY)
