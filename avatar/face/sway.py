"""How a head sways while it speaks: with the melody of the voice, and by itself.

In a pause it nearly stays where it is: the melody is not followed, and the rest of the motion has a
clock that goes slowly.
"""

from math import exp, isfinite, pi, sqrt

import numpy as np

from avatar.face.manner import Manner
from avatar.face.moves import RATE
from avatar.mesh.vectors import Floats
from common.filters import filtered

FASTEST_HZ, SLOWEST_HZ = 1.5, 0.2  # of what a head shows of a melody (Hadar 1983: slow movements)
FOLLOWED = 1 - exp(-2 * pi * FASTEST_HZ / 0.64 / RATE)
"""Of the way to a melody in a frame, twice in a row: half the power is left at FASTEST_HZ."""
DELAY = 10
"""Frames by which that lags, about: so far ahead must be heard."""
WIDEST = 9.0  # semitones from the middle that are followed
MOST_ASIDE = 1.7  # standard deviations of what a melody does sideways
ONSET = 0.05  # of a phrase's first pitch that the head has already
IDLE = 0.04  # speed of the clock of a pause
GATE = np.hanning(2 * DELAY + 1)[1:-1] / np.hanning(2 * DELAY + 1).sum()
CORNERS_HZ = (0.35, 10.0)  # above which a head's wandering falls by two and by two more powers
BLOCK = 512  # frames of wandering that are drawn at a time


class Sway:
    """Angles [3] of one frame after another."""

    def __init__(self, manner: Manner, rng: np.random.Generator) -> None:
        self._gains = np.array(manner.pitch_gain)
        self._wander = Wander(rng) if any(manner.wander_degrees) else None
        self._widths = np.array(manner.wander_degrees)
        self._rng = rng
        self._followed = self._gains * 0
        self._melody, self._smooth, self._silent = 0.0, [0.0, 0.0], True
        self._spoken = np.zeros(len(GATE))
        self._angles = np.zeros(3)
        self.turn()

    def turn(self) -> None:
        """Another phrase begins: to whichever side its melody takes the head."""
        yaw, roll = np.clip(self._rng.standard_normal(2), -MOST_ASIDE, MOST_ASIDE)
        self._followed = self._gains * [yaw, 1.0, roll]

    def step(self, pitch: float, speaks: bool) -> Floats:
        """pitch: semitones `DELAY` frames ahead, nan where unvoiced; speaks: whether it is so."""
        self._spoken[:-1] = self._spoken[1:]
        self._spoken[-1] = speaks
        gate = float(GATE @ self._spoken)
        change = self._melody_change(pitch, speaks)
        if gate > 0:
            forgotten = 2 * pi * SLOWEST_HZ / RATE
            self._angles += gate * (self._followed * change - forgotten * self._angles)
        if self._wander is None:
            return self._angles
        return self._angles + self._widths * self._wander.step(IDLE + (1 - IDLE) * gate)

    def _melody_change(self, pitch: float, speaks: bool) -> float:
        """Semitones by which the smoothed melody rises in this frame."""
        if isfinite(pitch):
            self._melody = min(max(pitch, -WIDEST), WIDEST)
            if self._silent:
                self._smooth = [ONSET * self._melody] * 2
        self._silent = not speaks or (self._silent and not isfinite(pitch))
        before = self._smooth[1]
        self._smooth[0] += FOLLOWED * (self._melody - self._smooth[0])
        self._smooth[1] += FOLLOWED * (self._smooth[0] - before)
        return self._smooth[1] - before


class Wander:
    """Noise [3] of variance 1 whose spectrum falls as that of heads does; its clock is its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        poles = [exp(-2 * pi * hertz / RATE) for hertz in CORNERS_HZ]
        a = np.polymul([1, -poles[0]], [1, -poles[1]])
        response = filtered(np.array([[1.0, 0, 0, *a]]), np.eye(20 * RATE, 1), np.zeros((1, 2, 1)))
        self._sections = np.array([[1 / sqrt(float((response**2).sum())), 0, 0, *a]])
        self._state = np.zeros((1, 2, 3))
        self._clock = 0.0
        self._values = np.zeros((0, 3))
        self._draw(4 * BLOCK)
        self._values = self._values[-BLOCK:]

    def step(self, speed: float) -> Floats:
        """The noise after `speed` frames of its own clock."""
        self._clock += speed
        if self._clock >= len(self._values) - 2:
            self._values = self._values[int(self._clock) :]
            self._clock -= int(self._clock)
            self._draw(BLOCK)
        first = int(self._clock)
        between = self._clock - first
        return (1 - between) * self._values[first] + between * self._values[first + 1]

    def _draw(self, frames: int) -> None:
        white = self._rng.standard_normal((frames, 3))
        drawn = filtered(self._sections, white, self._state)
        self._values = np.concatenate([self._values, drawn])
