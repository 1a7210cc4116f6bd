"""Blinks, brow raises, and breathing, visible as the rise and fall of the shoulders and the base of
the neck: when they happen, and their motion frame by frame."""

from collections import deque
from math import exp

import numpy as np
import torch
from torch import Tensor

from avatar.behaviour.speech_events import RATE, SpeechEvent, Trajectories, least_jerk
from avatar.behaviour.style import StyleParams
from avatar.geometry.vectors import Floats, smoothstep
from avatar.retarget.fitted_face import Face

# A lid closes in about 100 ms (Stern, Walrath, Goldstein 1984), a little faster here, and opens
# more slowly (VanderWerf et al. 2003, J Neurophysiol 89:2784-96).
CLOSING_SECONDS, CLOSED_SECONDS, OPENING_SECONDS = 0.08, 0.02, 0.18
BLINK_SECONDS = CLOSING_SECONDS + CLOSED_SECONDS + OPENING_SECONDS
DURATION_SPREAD = 0.15  # standard deviation of the logarithm of a blink's length
RATE_SPREAD = 0.7  # the same of the rate until the next blink, so that blinks cluster
REFRACTORY_SECONDS = 0.5  # from one start of a blink to the next, at least
END_SECONDS = (-0.1, 0.3)  # window about a phrase's end in which blinks are more likely
END_SHARE = 0.2  # initial estimate of the share of time inside such windows
LONG_SECONDS = 5.0  # after a phrase's end: from then on each blink updates the base rate
MEMORY_SECONDS = 30.0  # time constant of that estimate
SHIFTS = ((33.0, 0.97), (15.0, 0.6))
"""Gaze shifts above so many degrees cause a blink with this probability."""


class Blinks:
    """Closure of the lids, frame by frame."""

    def __init__(self, style: StyleParams, rng: np.random.Generator) -> None:
        self._style, self._rng = style, rng
        self._started, self._stretch, self._rate_factor = -9.0, 1.0, 1.0
        self._ended, self._end_share = -9.0, END_SHARE
        self._base_rate = self._solve_base_rate(self._end_share)

    def end(self, time: float) -> None:
        """A phrase ends at `time` in seconds, which may lie ahead."""
        self._ended, self._base_rate = time, self._solve_base_rate(self._end_share)

    def shift(self, degrees: float, now: float) -> None:
        """The gaze shifts by this angle."""
        probability = next((share for least, share in SHIFTS if degrees > least), 0.0)
        if self._rng.random() < probability:
            self._start(now)

    def step(self, now: float) -> float:
        """Closure in [0, 1] at a time."""
        near = END_SECONDS[0] <= now - self._ended <= END_SECONDS[1]
        self._end_share += (near - self._end_share) / (MEMORY_SECONDS * RATE)
        gain = self._style.blinks_at_ends if near else 1
        if self._rng.random() < self._rate_factor * self._base_rate * gain / RATE:
            self._start(now)
        return float(lid_closure(np.array((now - self._started) / self._stretch)))

    def _solve_base_rate(self, share: float) -> float:
        """The rate [blinks/s] away from phrase ends that gives the style's mean rate when a share
        of the time lies near ends, at most one blink near each. By bisection."""
        wanted = 1 / max(60 / max(self._style.blinks_a_minute, 1e-6) - REFRACTORY_SECONDS, 1 / RATE)
        seconds, low, high = END_SECONDS[1] - END_SECONDS[0], 0.0, wanted
        for _ in range(12):
            middle = (low + high) / 2
            at_ends = 1 - exp(-self._style.blinks_at_ends * middle * seconds)
            enough = middle * (1 - share) + share / seconds * at_ends >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _start(self, now: float) -> None:
        if now - self._started > REFRACTORY_SECONDS:
            self._started = now
            if now - self._ended > LONG_SECONDS:
                silent = now - max(self._ended, 0.0) > LONG_SECONDS
                self._base_rate = self._solve_base_rate(0.0 if silent else self._end_share)
            self._stretch = self._rng.lognormal(0.0, DURATION_SPREAD)
            self._rate_factor = self._rng.lognormal(RATE_SPREAD**2 / 2, RATE_SPREAD)


def lid_closure(seconds: Floats) -> Floats:
    """Closure of the lids in [0, 1], `seconds` after a blink's start."""
    closing = smoothstep(0.0, CLOSING_SECONDS, seconds)
    opening = smoothstep(CLOSING_SECONDS + CLOSED_SECONDS, BLINK_SECONDS, seconds)
    return closing * (1.0 - opening) ** 1.5


APART_SECONDS = 2.5  # between two raises, at least
WITH_NOD = 0.9  # share of raises that accompany head motion: 60 of 67 on Swedish words
EARLY_SECONDS = (0.02, 0.15)  # from a raise's start to its vowel; 0.06 (Flecha-Garcia 2010)
RAISE_SECONDS = (0.32, 0.6)
RISE, HOLD = 0.4, 0.2  # shares of a raise's time; the rest is the fall
SPREAD = 0.2  # relative standard deviation of a raise's height
WEIGHTS = {"browInnerUp": 0.45, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}


class Brows:
    """Weight of the outer brows, frame by frame."""

    def __init__(self, style: StyleParams, rng: np.random.Generator) -> None:
        self._style, self._rng = style, rng
        self._raise, self._last = Trajectories(np.zeros(1), 2.0), -9.0

    def answer(self, accent: float, nods: bool, rate: float, now: float) -> None:
        """React to an accent that starts at `accent` seconds; nods: whether the head nods with it;
        rate: prominent accents a second."""
        wanted = self._style.brows_a_minute / 60
        free = accent - self._last - APART_SECONDS
        if free < 0:
            return
        share = min(wanted / (1 - wanted * APART_SECONDS) / max(rate, 1e-6), 1.0)
        nodding = min(max(self._style.nodding, 1e-6), 1 - 1e-6)
        probability = share * (WITH_NOD / nodding if nods else (1 - WITH_NOD) / (1 - nodding))
        if self._rng.random() >= probability:
            return
        self._last = accent
        start = accent - self._rng.uniform(*EARLY_SECONDS) - now
        seconds = self._rng.uniform(*RAISE_SECONDS)
        height = np.array([max(1 + SPREAD * self._rng.standard_normal(), 0.3)])
        height = height * self._style.brow_weight
        self._raise.plan(start, RISE * seconds, height)
        self._raise.plan(
            max(start, 0.0) + (RISE + HOLD) * seconds, (1 - RISE - HOLD) * seconds, -height
        )

    def step(self) -> float:
        """Weight in the next frame."""
        return float(np.clip(self._raise.step()[0], 0.0, 1.0))


BREATH = "breath"
"""Name of the motion beside ARKit's units, none of which moves the shoulders."""
RISE_METRES = (0.0, 0.0035, 0.0015)
"""Shift in head space from an empty chest to a full one."""
IN_SECONDS = 0.55  # inhalation before a phrase
PAUSE_SECONDS = 0.35  # shortest silence with an inhalation
SPOKEN_SECONDS = 6.0  # exhalation while speaking
REST_SECONDS = 1.0  # exhalation after a phrase
QUIET_SECONDS = (60 / 18, 60 / 12)  # period of breathing in silence
QUIET_IN = 0.4  # share of inhalation in it
EMPTY, LOW, HIGH, FULL = 0.05, 0.15, 0.45, 1.0


class Breath:
    """Fill of the chest from 0 to 1, frame by frame.

    It fills quickly before a phrase and empties slowly while it is spoken; in silence it cycles 12
    to 18 times a minute (resting adults), a third as deep as before speech.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._coming: deque[SpeechEvent] = deque()
        self._due = np.inf  # when the breath before a phrase begins
        self._speaks, self._ended = False, -9.0
        self._low, self._high = LOW, LOW  # ends of the present movement
        self._begin, self._end = -9.0, -9.0

    def hear(self, event: SpeechEvent) -> None:
        """A phrase begins or ends at a time that may lie ahead."""
        if event.kind == "onset" and event.time - self._ended >= PAUSE_SECONDS:
            self._due = event.time - IN_SECONDS
        if event.kind == "end":
            self._ended = event.time
        if event.kind in ("onset", "end"):
            self._coming.append(event)

    def step(self, now: float) -> float:
        """The chest at a time."""
        spoke = self._speaks
        while self._coming and self._coming[0].time <= now:
            self._speaks = self._coming.popleft().kind == "onset"
        if now >= self._due:
            self._due = np.inf
            self._move(now, IN_SECONDS, FULL)
        elif spoke and not self._speaks:
            self._move(now, REST_SECONDS, LOW)
        elif now >= self._end:
            self._move(now, *self._next())
        return self._at(now)

    def _next(self) -> tuple[float, float]:
        """Duration in seconds and end of the next movement."""
        if self._high == FULL or self._speaks:
            return SPOKEN_SECONDS, EMPTY
        seconds = self._rng.uniform(*QUIET_SECONDS)
        return (seconds * (1 - QUIET_IN), LOW) if self._high == HIGH else (seconds * QUIET_IN, HIGH)

    def _move(self, now: float, seconds: float, to: float) -> None:
        self._low, self._high = self._at(now), to
        self._begin, self._end = now, now + seconds

    def _at(self, now: float) -> float:
        if now >= self._end:
            return self._high
        share = least_jerk(np.array((now - self._begin) / (self._end - self._begin)))
        return self._low + float(share) * (self._high - self._low)


def unit_offsets(face: Face, name: str) -> Tensor:
    """Offsets [V, 3] at weight 1, in the space and unit of the face's mesh, of an ARKit unit or of
    breath, which moves what does not follow the head."""
    if name != BREATH:
        return face.head.unit(name)
    back = face.to_head.inverse()
    rise = back.scale * np.array(RISE_METRES) @ back.rotation.T
    return (1 - face.head.pose_weights)[:, None] * torch.from_numpy(rise).float()
