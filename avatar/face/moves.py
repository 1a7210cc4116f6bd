"""Movements that are planned before they are made, and made one frame after another."""

import numpy as np

from avatar.mesh.vectors import Floats

RATE = 100
"""Frames a second in which a face's life is computed."""


class Moves:
    """Smooth movements from one place to another, which may overlap: what they add up to.

    Each goes from rest to rest with the least jerk (Flash, Hogan 1985) and stays where it got.
    """

    def __init__(self, start: Floats, seconds: float = 4.0) -> None:
        """start [width]: the numbers that move; seconds: how far ahead a movement may end."""
        self._steps = np.zeros((round(seconds * RATE), len(start)))
        self.place, self.goal = start, start

    def plan(self, start: float, seconds: float, by: Floats) -> None:
        """Move by [width], from `start` seconds from now on, or at once where that is past."""
        first = max(0, round(start * RATE))
        frames = min(max(1, round(seconds * RATE)), len(self._steps) - first)
        assert frames > 0, (start, seconds)
        way = least_jerk(np.arange(frames + 1) / frames)
        self._steps[first : first + frames] += np.diff(way)[:, None] * by
        self.goal = self.goal + by

    def step(self) -> Floats:
        """The place [width] after one frame more."""
        self.place = self.place + self._steps[0]
        self._steps[:-1] = self._steps[1:]
        self._steps[-1] = 0
        return self.place


def least_jerk(t: Floats) -> Floats:
    """The way made after a share t in [0, 1] of a movement's time."""
    return t**3 * (10 - 15 * t + 6 * t * t)
