"""Blinks: when lids close, and how.

Raises of the brows.
"""

from math import exp

import numpy as np

from avatar.behaviour.speech_events import RATE, Trajectories
from avatar.behaviour.style import StyleParams
from avatar.geometry.vectors import Floats, smoothstep

# A lid closes in about 100 ms (Stern, Walrath, Goldstein 1984), a little faster here, and opens
# more slowly (VanderWerf et al. 2003, J Neurophysiol 89:2784-96).
CLOSING_SECONDS, CLOSED_SECONDS, OPENING_SECONDS = 0.08, 0.02, 0.18
BLINK_SECONDS = CLOSING_SECONDS + CLOSED_SECONDS + OPENING_SECONDS
DURATION_SPREAD = 0.15  # standard deviation of the logarithm of a blink's length
RATE_SPREAD = 0.7  # and of the rate until the next blink: some come soon after another
REFRACTORY_SECONDS = 0.5  # after the start of a blink in which no other starts
END_SECONDS = (-0.1, 0.3)  # about the end of a phrase, in which blinks are more likely
END_SHARE = 0.2  # of all time that lies there, as long as nothing is known
LONG_SECONDS = 5.0  # since a phrase's end, after which that is judged anew with every blink
MEMORY_SECONDS = 30.0  # by which that share is judged
SHIFTS = ((33.0, 0.97), (15.0, 0.6))
"""Degrees of a shift of gaze from which on it takes a blink along, and how often."""


class Blinks:
    """How far the lids are closed, frame after frame."""

    def __init__(self, manner: StyleParams, rng: np.random.Generator) -> None:
        self._manner, self._rng = manner, rng
        self._started, self._stretch, self._hurry = -9.0, 1.0, 1.0
        self._ended, self._share = -9.0, END_SHARE
        self._usual = self._usual_rate(self._share)

    def end(self, time: float) -> None:
        """A phrase ends at a time, which may be still to come."""
        self._ended, self._usual = time, self._usual_rate(self._share)

    def shift(self, degrees: float, now: float) -> None:
        """The gaze shifts so far."""
        likely = next((share for least, share in SHIFTS if degrees > least), 0.0)
        if self._rng.random() < likely:
            self._start(now)

    def step(self, now: float) -> float:
        """Closure in [0, 1] at a time."""
        near = END_SECONDS[0] <= now - self._ended <= END_SECONDS[1]
        self._share += (near - self._share) / (MEMORY_SECONDS * RATE)
        likely = self._hurry * self._usual * (self._manner.blinks_at_ends if near else 1) / RATE
        if self._rng.random() < likely:
            self._start(now)
        return float(lid_closure(np.array((now - self._started) / self._stretch)))

    def _usual_rate(self, share: float) -> float:
        """Blinks a second away from the ends of phrases, with which they become as many as they
        should where a share of the time lies about ends: about an end there is one at most. By
        halving."""
        wanted = 1 / max(
            60 / max(self._manner.blinks_a_minute, 1e-6) - REFRACTORY_SECONDS, 1 / RATE
        )
        seconds, low, high = END_SECONDS[1] - END_SECONDS[0], 0.0, wanted
        for _ in range(12):
            middle = (low + high) / 2
            at_ends = 1 - exp(-self._manner.blinks_at_ends * middle * seconds)
            many = middle * (1 - share) + share / seconds * at_ends >= wanted
            low, high = (low, middle) if many else (middle, high)
        return high

    def _start(self, now: float) -> None:
        if now - self._started > REFRACTORY_SECONDS:
            self._started = now
            if now - self._ended > LONG_SECONDS:
                silent = now - max(self._ended, 0.0) > LONG_SECONDS
                self._usual = self._usual_rate(0.0 if silent else self._share)
            self._stretch = self._rng.lognormal(0.0, DURATION_SPREAD)
            self._hurry = self._rng.lognormal(RATE_SPREAD**2 / 2, RATE_SPREAD)


def lid_closure(seconds: Floats) -> Floats:
    """How far the lids are closed, [0, 1], at a time after a blink's start."""
    closing = smoothstep(0.0, CLOSING_SECONDS, seconds)
    opening = smoothstep(CLOSING_SECONDS + CLOSED_SECONDS, BLINK_SECONDS, seconds)
    return closing * (1.0 - opening) ** 1.5


APART_SECONDS = 2.5  # between two raises, at least
WITH_NOD = 0.9  # of raises go with a motion of the head: 60 of 67 on Swedish words
EARLY_SECONDS = (0.02, 0.15)  # by which a raise begins before its vowel; 0.06 (Flecha-Garcia 2010)
RAISE_SECONDS = (0.32, 0.6)
RISE, HOLD = 0.4, 0.2  # of a raise's time; it falls in the rest
SPREAD = 0.2  # standard deviation of a raise's height, as a part of it
WEIGHTS = {"browInnerUp": 0.45, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


class Brows:
    """How far the brows are raised, frame after frame: the weight of the outer ones."""

    def __init__(self, manner: StyleParams, rng: np.random.Generator) -> None:
        self._manner, self._rng = manner, rng
        self._raise, self._last = Trajectories(np.zeros(1), 2.0), -9.0

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
