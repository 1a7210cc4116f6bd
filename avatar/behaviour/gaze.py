"""Gaze: a controller that looks at the listener and now and then elsewhere, by saccades, and the
measurement of gaze from the motion of the eyes' vertices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch

from avatar.behaviour.speech_events import Trajectories
from avatar.behaviour.style import StyleParams
from avatar.geometry.rotations import head_poses
from avatar.geometry.similarity import fit_similarity
from avatar.geometry.vectors import Floats, Ints, directions

STRATA = 5


def even_draws(rng: np.random.Generator) -> Iterator[float]:
    """Endless stratified draws from [0, 1): one from each fifth in every five, in random order, so
    that a film of a minute has short and long spans as an hour has."""
    while True:
        for stratum in rng.permutation(STRATA):
            yield float(stratum + rng.random()) / STRATA


# Amplitudes of saccades in degrees: A = -6.9 ln(P / 15.7), P uniform up to 15; looks elsewhere take
# only the longer two thirds. Up, down and sideways are twice as frequent as the diagonals (Lee,
# Badler, Badler 2002, "Eyes Alive").
FALL_DEGREES, SCALE_PERCENT, MOST_PERCENT = 6.9, 15.7, 10.0
FARTHEST_DEGREES = 20.0
DIRECTIONS = np.array([2.0, 1.0] * 4) / 12  # by eighths of a turn, from the subject's left on
UPRIGHT = 0.7  # amplitude of looks up and down, relative to sideways
SACCADE_SECONDS, SECONDS_A_DEGREE = 0.025, 0.0024  # 20-30 ms and 2.2-2.7 ms for each degree
STAY_SECONDS, STRAY_DEGREES = (0.4, 2.0), 0.7  # duration and spread of fixations within a look
SHORTEST_SECONDS = 0.25  # of a look
LISTENING_SECONDS = (1.14, 7.21)
"""Mean durations of looks elsewhere and at somebody who speaks (Andrist, Mutlu, Gleicher 2013)."""
HEAD_FROM, HEAD_SHARE, HEAD_SECONDS = 10.0, 0.6, 0.5
"""Of the angle beyond so many degrees from straight ahead the head turns this share, in this
time."""


@dataclass(frozen=True)
class Gaze:
    """The target of the gaze."""

    x: float = 0.0
    """degrees to the subject's left of straight ahead"""
    y: float = 0.0
    """degrees up"""
    free: bool = True
    """whether the eyes look elsewhere now and then"""


class GazeController:
    """Yaw and pitch of the gaze in degrees relative to the shoulders, frame by frame."""

    def __init__(self, style: StyleParams, gaze: Gaze, rng: np.random.Generator) -> None:
        self._style, self._gaze, self._rng = style, gaze, rng
        self._spans = {False: even_draws(rng), True: even_draws(rng)}
        self._target = np.array([gaze.x, gaze.y])
        self._eyes = Trajectories(self._target, 1.0)
        self._head = Trajectories(_head_part(self._target), 1.0)
        self._away = self._attends = False
        self._until = self._span()
        self._shift_at = rng.uniform(*STAY_SECONDS)
        self._averted = -9.0  # seconds until which a look elsewhere lasts at least
        self.shifted = 0.0
        """degrees of the shift that begins with this frame"""

    def attend(self, attends: bool, now: float) -> None:
        """Whether somebody speaks to whom the eyes return at once, and whom they seldom leave."""
        if attends == self._attends:
            return
        self._attends = attends
        if attends:
            self._until = now if self._away else now + self._span()

    def avert(self, until: float, now: float) -> None:
        """Look elsewhere from now on until a time in seconds."""
        self._averted = until
        self._until = max(self._until, until) if self._away else now

    def step(self, now: float) -> tuple[Floats, Floats]:
        """Directions of the eyes [2], and the head's share of it [2]."""
        self.shifted = 0.0
        if self._gaze.free and now >= self._until:
            self._away = not self._away
            self._until = max(now + self._span(), self._averted if self._away else now)
            self._look(self._target + (self._elsewhere() if self._away else 0.0))
            self._shift_at = now + self._rng.uniform(*STAY_SECONDS)
        elif now >= self._shift_at:
            middle = self._eyes.goal if self._away else self._target
            self._glance(middle + STRAY_DEGREES * self._rng.standard_normal(2))
            self._shift_at = now + self._rng.uniform(*STAY_SECONDS)
        return self._eyes.step(), self._head.step()

    def _glance(self, at: Floats) -> None:
        by = at - self._eyes.goal
        self.shifted = float(np.hypot(*by))
        self._eyes.plan(0.0, SACCADE_SECONDS + SECONDS_A_DEGREE * self.shifted, by)

    def _look(self, at: Floats) -> None:
        self._glance(at)
        turn = _head_part(at) - self._head.goal
        if turn.any():
            self._head.plan(0.0, HEAD_SECONDS, turn)

    def _span(self) -> float:
        mean = self._style.away_seconds if self._away else self._style.looking_seconds
        if self._attends:
            mean = LISTENING_SECONDS[not self._away]
        return max(-mean * log(1 - next(self._spans[self._away])), SHORTEST_SECONDS)

    def _elsewhere(self) -> Floats:
        percent = MOST_PERCENT * (1 - self._rng.random())
        size = min(-FALL_DEGREES * np.log(percent / SCALE_PERCENT), FARTHEST_DEGREES)
        turn = 2 * np.pi * (self._rng.choice(8, p=DIRECTIONS) + self._rng.uniform(-0.5, 0.5)) / 8
        return size * np.array([np.cos(turn), UPRIGHT * np.sin(turn)])


def _head_part(direction: Floats) -> Floats:
    far = float(np.hypot(*direction))
    return direction * (HEAD_SHARE * max(far - HEAD_FROM, 0.0) / max(far, 1e-9))


def eyes_in_head(look: Floats, head: Floats) -> Floats:
    """Directions [F, 2] of the eyes in a head turned by yaw, pitch and roll [F, 3] whose gaze is
    `look` [F, 2]; all in degrees."""
    ahead = directions(*np.radians(look).T)
    turns = head_poses(torch.from_numpy(np.radians(head)), torch.zeros(3).double())
    x, y, z = np.einsum("fji,fj->if", turns[:, :3, :3].numpy(), ahead)
    return np.degrees(np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))], axis=1))


FORWARD = np.array([0.0, 0.0, 1.0])


def gaze_degrees(eyes: Sequence[Ints], rest: Floats, offsets: Floats) -> Floats:
    """Yaw and pitch [F, eyes, 2] in degrees of each eye in its head, 0 at rest.

    eyes: the vertices of each; offsets [F, V, 3]: of the mesh from rest [V, 3] without the head's
    pose. Yaw is to the head's left (+x), pitch is up.
    """
    angles = [[_angles(rest[eye], rest[eye] + frame[eye]) for eye in eyes] for frame in offsets]
    return np.degrees(np.array(angles))


def _angles(still: Floats, looking: Floats) -> tuple[float, float]:
    x, y, z = fit_similarity(still, looking).rotation @ FORWARD
    return float(np.arctan2(x, z)), float(np.arctan2(y, np.hypot(x, z)))
