"""Raises of the brows."""

import numpy as np

from avatar.face.manner import Manner
from avatar.face.moves import Moves

APART_SECONDS = 2.5  # between two raises, at least
WITH_NOD = 0.9  # of raises go with a motion of the head: 60 of 67 on Swedish words
EARLY_SECONDS = (0.02, 0.15)  # by which a raise begins before its vowel; 0.06 (Flecha-Garcia 2010)
RAISE_SECONDS = (0.32, 0.6)
RISE, HOLD = 0.4, 0.2  # of a raise's time; it falls in the rest
SPREAD = 0.2  # standard deviation of a raise's height, as a part of it
WEIGHTS = {"browInnerUp": 0.45, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


class Brows:
    """How far the brows are raised, frame after frame: the weight of the outer ones."""

    def __init__(self, manner: Manner, rng: np.random.Generator) -> None:
        self._manner, self._rng = manner, rng
        self._raise, self._last = Moves(np.zeros(1), 2.0), -9.0

    def answer(self, accent: float, nods: bool, rate: float, now: float) -> None:
        """An accent that begins at a time, and whether the head nods with it; rate: prominent
        accents a second."""
        wanted = self._manner.brows_a_minute / 60
        free = accent - self._last - APART_SECONDS
        if free < 0:
            return
        reached = min(wanted / (1 - wanted * APART_SECONDS) / max(rate, 1e-6), 1.0)
        nodding = min(max(self._manner.nodding, 1e-6), 1 - 1e-6)
        likely = reached * (WITH_NOD / nodding if nods else (1 - WITH_NOD) / (1 - nodding))
        if self._rng.random() >= likely:
            return
        self._last = accent
        start = accent - self._rng.uniform(*EARLY_SECONDS) - now
        seconds = self._rng.uniform(*RAISE_SECONDS)
        height = np.array([max(1 + SPREAD * self._rng.standard_normal(), 0.3)])
        height = height * self._manner.brow_weight
        self._raise.plan(start, RISE * seconds, height)
        self._raise.plan(
            max(start, 0.0) + (RISE + HOLD) * seconds, (1 - RISE - HOLD) * seconds, -height
        )

    def step(self) -> float:
        """Weight in the next frame."""
        return float(np.clip(self._raise.step()[0], 0.0, 1.0))
