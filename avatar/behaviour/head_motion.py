"""Head motion of a speaker: poses held from phrase to phrase, motion with the pitch of the voice,
slow drift, and nods. In pauses the pitch is not followed and the drift nearly stops."""

from math import exp, isfinite, pi, sqrt

import numpy as np

from avatar.behaviour.speech_events import RATE, SpeechEvent, Trajectories
from avatar.behaviour.style import CORRELATIONS, StyleParams
from avatar.geometry.vectors import Floats
from common.filters import filtered

FASTEST_HZ, SLOWEST_HZ = 1.5, 0.2  # band of the pitch that a head follows (Hadar 1983)
FOLLOWED = 1 - exp(-2 * pi * FASTEST_HZ / 0.64 / RATE)
"""Gain per frame of two low-pass stages in a row: half the power remains at FASTEST_HZ."""
DELAY = 10
"""Their lag in frames, about: the look-ahead that they need."""
WIDEST = 9.0  # semitones from the middle, at most
MOST_ASIDE = 1.7  # limit of the sideways gains, in standard deviations
ONSET = 0.05  # share of a phrase's first pitch in the head's position at once
IDLE = 0.04  # speed of the drift in a pause
GATE = np.hanning(2 * DELAY + 1)[1:-1] / np.hanning(2 * DELAY + 1).sum()
CORNERS_HZ = (0.35, 10.0)  # of the drift's spectrum, each adds two powers of falloff
BLOCK = 512  # frames of drift that are drawn at a time


class ProsodicMotion:
    """Angles [3] from the pitch and from drift, frame by frame."""

    def __init__(self, style: StyleParams, rng: np.random.Generator) -> None:
        self._gains = np.array(style.pitch_gain)
        self._wander = Wander(rng) if any(style.wander_degrees) else None
        self._widths = np.array(style.wander_degrees)
        self._rng = rng
        self._followed = self._gains * 0
        self._pitch, self._smooth, self._silent = 0.0, [0.0, 0.0], True
        self._spoken = np.zeros(len(GATE))
        self._angles = np.zeros(3)
        self.turn()

    def turn(self) -> None:
        """A phrase begins: draw the side to which its pitch turns the head."""
        yaw, roll = np.clip(self._rng.standard_normal(2), -MOST_ASIDE, MOST_ASIDE)
        self._followed = self._gains * [yaw, 1.0, roll]

    def step(self, pitch: float, speaks: bool) -> Floats:
        """pitch: semitones `DELAY` frames ahead, nan where unvoiced; speaks: whether it is
        speech."""
        self._spoken[:-1] = self._spoken[1:]
        self._spoken[-1] = speaks
        gate = float(GATE @ self._spoken)
        change = self._pitch_change(pitch, speaks)
        if gate > 0:
            forgotten = 2 * pi * SLOWEST_HZ / RATE
            self._angles += gate * (self._followed * change - forgotten * self._angles)
        if self._wander is None:
            return self._angles
        return self._angles + self._widths * self._wander.step(IDLE + (1 - IDLE) * gate)

    def _pitch_change(self, pitch: float, speaks: bool) -> float:
        """Semitones by which the smoothed pitch rises in this frame."""
        if isfinite(pitch):
            self._pitch = min(max(pitch, -WIDEST), WIDEST)
            if self._silent:
                self._smooth = [ONSET * self._pitch] * 2
        self._silent = not speaks or (self._silent and not isfinite(pitch))
        before = self._smooth[1]
        self._smooth[0] += FOLLOWED * (self._pitch - self._smooth[0])
        self._smooth[1] += FOLLOWED * (self._smooth[0] - before)
        return self._smooth[1] - before


class Wander:
    """Noise [3] of variance 1 with the spectrum of heads, at a variable speed."""

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
        """The noise after `speed` frames more."""
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


FARTHEST = 2.2  # limit of a pose, in standard deviations
SETTLED = 0.4  # share of a pose that remains after speech
SETTLING_SECONDS = 1.2
LAGGING_SECONDS = 0.25  # most by which a head that does not lead follows the voice
SHAPES = (42, 18, 20)
"""Frequencies of nods, overshooting nods and swings to one side on accents (Graf et al. 2002)."""
OVERSHOOT = 0.35
NOD_YAW = 0.3  # standard deviation of a nod's yaw, relative to its pitch
LOWEST_AFTER = 0.12  # seconds from the start of the vowel to the lowest point of a nod


class HeadMotion:
    """Yaw, pitch and roll [3] in degrees, frame by frame."""

    def __init__(
        self, style: StyleParams, rng: np.random.Generator, prosodic: np.random.Generator
    ) -> None:
        self._style, self._rng = style, rng
        signs = np.diag(rng.choice([-1.0, 1.0], 3))
        spread = np.diag(style.pose_degrees) @ signs @ np.linalg.cholesky(np.array(CORRELATIONS))
        self._spread = spread
        self._trajectories = Trajectories(np.zeros(3))
        self._prosodic = ProsodicMotion(style, prosodic)
        self._pose = np.zeros(3)  # held, or the target of the present movement
        self._posed = -9.0  # start of the movement to it, seconds

    def hear(self, event: SpeechEvent, now: float) -> None:
        """React to an event; now: time of the next frame in seconds."""
        match event.kind:
            case "onset":
                self._prosodic.turn()
                self._next_pose(event.time - self._lead(), now)
            case "accent" if event.time - self._posed > self._style.unit_seconds:
                self._next_pose(event.time - self._rng.uniform(0, 0.2), now)
            case "rest":
                start = event.time - now + 0.1
                self._trajectories.plan(start, SETTLING_SECONDS, (SETTLED - 1) * self._pose)
                self._pose = SETTLED * self._pose

    def nod(self, accent: float, now: float) -> None:
        """Nod at an accent that starts at `accent` seconds."""
        kind = self._rng.choice(len(SHAPES), p=np.array(SHAPES) / sum(SHAPES))
        share = self._rng.random(2)
        size = _between(self._style.nod_degrees, share.mean())
        seconds = _between(self._style.nod_seconds, share[0])
        down = size * np.array([NOD_YAW * self._rng.standard_normal(), -1.0, 0.0])
        start = max(accent + LOWEST_AFTER - 0.45 * seconds - now, 0.0)
        if kind == 2:
            aside = self._spread @ self._rng.standard_normal(3)
            aside *= size / max(float(np.linalg.norm(aside)), 1e-9)
            self._trajectories.plan(start, seconds, aside)
            self._pose = self._pose + aside
            return
        back = 1 + (OVERSHOOT if kind == 1 else 0)
        parts = (0.45, 0.55) if kind == 0 else (0.35, 0.4, 0.25)
        ways = (1.0, -back, back - 1)
        for part, way in zip(parts, ways, strict=False):
            self._trajectories.plan(start, part * seconds, way * down)
            start += part * seconds

    def step(self, pitch: float, speaks: bool) -> Floats:
        """The next frame's angles; of the voice: what `ProsodicMotion.step` takes."""
        return self._trajectories.step() + self._prosodic.step(pitch, speaks)

    def _lead(self) -> float:
        """Seconds by which the head starts before the voice."""
        if self._rng.random() < self._style.leading:
            return _between(self._style.lead_seconds, self._rng.random() ** 2)
        return -self._rng.uniform(0.05, LAGGING_SECONDS)

    def _next_pose(self, start: float, now: float) -> None:
        memory = self._style.pose_memory
        drawn = np.clip(self._rng.standard_normal(3), -FARTHEST, FARTHEST)
        pose = memory * self._pose + np.sqrt(1 - memory**2) * (self._spread @ drawn)
        seconds = self._rng.uniform(*self._style.transition_seconds)
        self._trajectories.plan(start - now, seconds, pose - self._pose)
        self._pose, self._posed = pose, start


def _between(span: tuple[float, float], share: float) -> float:
    return span[0] + share * (span[1] - span[0])
