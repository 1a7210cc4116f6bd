"""Which cameras take a picture of which moment, under which light, and what it is for."""

from collections.abc import Sequence
from dataclasses import dataclass

from avatar.capture.capture import RELIGHT
from avatar.synthetic.capture.cameras import held_out_cameras
from avatar.synthetic.capture.lights import HELD_OUT, training_lights
from avatar.synthetic.capture.motion import Timestep

RELIT = 4  # moments of training that each held-out light shows again


@dataclass(frozen=True)
class Shot:
    """One moment under one light."""

    timestep: Timestep
    light: str | None  # in words; None for the usual one
    splits: tuple[str | None, ...]  # of each camera's picture; None where it takes none

    @property
    def cameras(self) -> list[int]:
        """Those that take a picture."""
        return [number for number, split in enumerate(self.splits) if split is not None]


def shots(timesteps: Sequence[Timestep], cameras: int, lights: int, seed: int) -> list[Shot]:
    """All moments of a capture, under `lights` lights in turn; 0 for the usual one alone.

    After them some of those for training once more, for held-out cameras alone, under lights that
    are not among those.
    """
    held = held_out_cameras(cameras)
    taken = [Shot(step, None, _splits(step, cameras, held)) for step in timesteps]
    if not lights:
        return taken
    words = training_lights(lights, seed)
    taken = [
        Shot(shot.timestep, words[index % lights], shot.splits) for index, shot in enumerate(taken)
    ]
    again = tuple(RELIGHT if number in held else None for number in range(cameras))
    learned = [step for step in timesteps if not step.held_out]
    chosen = [learned[(2 * k + 1) * len(learned) // (2 * RELIT)] for k in range(RELIT)]
    return taken + [Shot(step, light, again) for light in HELD_OUT for step in chosen]


def _splits(timestep: Timestep, cameras: int, held: Sequence[int]) -> tuple[str, ...]:
    if timestep.held_out:
        return ("test",) * cameras
    return tuple("val" if number in held else "train" for number in range(cameras))
