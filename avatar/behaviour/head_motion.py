"""How a head moves while somebody speaks: poses held from phrase to phrase, sway, nods.

How a head sways while it speaks: with the melody of the voice, and by itself.

In a pause it nearly stays where it is: the melody is not followed, and the rest of the motion has a
clock that goes slowly.
"""

from math import exp, isfinite, pi, sqrt

import numpy as np

from avatar.behaviour.speech_events import RATE, SpeechEvent, Trajectories
from avatar.behaviour.style import CORRELATIONS, StyleParams
from avatar.geometry.vectors import Floats
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

    def __init__(self, manner: StyleParams, rng: np.random.Generator) -> None:
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


FARTHEST = 2.2  # standard deviations that a pose may lie from the middle
SETTLED = 0.4  # of a pose that remains when speech has rested
SETTLING_SECONDS = 1.2
LAGGING_SECONDS = 0.25  # at most, by which a head that does not lead sets out after the voice
SHAPES = (42, 18, 20)
"""Nods, nods that overshoot and swings to one side among the answers to accents (Graf et al.
2002)."""
OVERSHOOT = 0.35
NOD_YAW = 0.3  # standard deviation of a nod's yaw, in parts of its pitch
LOWEST_AFTER = 0.12  # seconds after the start of its vowel at which a nod is lowest


class HeadMotion:
    """Yaw, pitch and roll [3] in degrees, frame after frame."""

    def __init__(
        self, manner: StyleParams, rng: np.random.Generator, sway: np.random.Generator
    ) -> None:
        self._manner, self._rng = manner, rng
        signs = np.diag(rng.choice([-1.0, 1.0], 3))
        spread = np.diag(manner.pose_degrees) @ signs @ np.linalg.cholesky(np.array(CORRELATIONS))
        self._spread = spread
        self._moves, self._sway = Trajectories(np.zeros(3)), Sway(manner, sway)
        self._pose = np.zeros(3)  # the one held or on the way to
        self._posed = -9.0  # seconds at which the head set out for it

    def hear(self, cue: SpeechEvent, now: float) -> None:
        """Answer a cue; now: seconds, of the frame that is made next."""
        match cue.kind:
            case "onset":
                self._sway.turn()
                self._next_pose(cue.time - self._lead(), now)
            case "accent" if cue.time - self._posed > self._manner.unit_seconds:
                self._next_pose(cue.time - self._rng.uniform(0, 0.2), now)
            case "rest":
                start = cue.time - now + 0.1
                self._moves.plan(start, SETTLING_SECONDS, (SETTLED - 1) * self._pose)
                self._pose = SETTLED * self._pose

    def nod(self, accent: float, now: float) -> None:
        """Answer an accent that begins at a time."""
        kind = self._rng.choice(len(SHAPES), p=np.array(SHAPES) / sum(SHAPES))
        share = self._rng.random(2)
        size = _between(self._manner.nod_degrees, share.mean())
        seconds = _between(self._manner.nod_seconds, share[0])
        down = size * np.array([NOD_YAW * self._rng.standard_normal(), -1.0, 0.0])
        start = max(accent + LOWEST_AFTER - 0.45 * seconds - now, 0.0)
        if kind == 2:
            aside = self._spread @ self._rng.standard_normal(3)
            aside *= size / max(float(np.linalg.norm(aside)), 1e-9)
            self._moves.plan(start, seconds, aside)
            self._pose = self._pose + aside
            return
        back = 1 + (OVERSHOOT if kind == 1 else 0)
        parts = (0.45, 0.55) if kind == 0 else (0.35, 0.4, 0.25)
        ways = (1.0, -back, back - 1)
        for part, way in zip(parts, ways, strict=False):
            self._moves.plan(start, part * seconds, way * down)
            start += part * seconds

    def step(self, pitch: float, speaks: bool) -> Floats:
        """The next frame's angles; of the voice: what `Sway.step` takes."""
        return self._moves.step() + self._sway.step(pitch, speaks)

    def _lead(self) -> float:
        """Seconds by which the head sets out before the voice."""
        if self._rng.random() < self._manner.leading:
            return _between(self._manner.lead_seconds, self._rng.random() ** 2)
        return -self._rng.uniform(0.05, LAGGING_SECONDS)

    def _next_pose(self, start: float, now: float) -> None:
        memory = self._manner.pose_memory
        drawn = np.clip(self._rng.standard_normal(3), -FARTHEST, FARTHEST)
        pose = memory * self._pose + np.sqrt(1 - memory**2) * (self._spread @ drawn)
        seconds = self._rng.uniform(*self._manner.transition_seconds)
        self._moves.plan(start - now, seconds, pose - self._pose)
        self._pose, self._posed = pose, start


def _between(span: tuple[float, float], share: float) -> float:
    return span[0] + share * (span[1] - span[0])
