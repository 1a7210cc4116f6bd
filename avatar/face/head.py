"""How a head moves while somebody speaks: poses held from phrase to phrase, sway, nods."""

import numpy as np

from avatar.face.cues import Cue
from avatar.face.manner import CORRELATIONS, Manner
from avatar.face.moves import Moves
from avatar.face.sway import Sway
from avatar.mesh.vectors import Floats

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

    def __init__(self, manner: Manner, rng: np.random.Generator, sway: np.random.Generator) -> None:
        self._manner, self._rng = manner, rng
        signs = np.diag(rng.choice([-1.0, 1.0], 3))
        spread = np.diag(manner.pose_degrees) @ signs @ np.linalg.cholesky(np.array(CORRELATIONS))
        self._spread = spread
        self._moves, self._sway = Moves(np.zeros(3)), Sway(manner, sway)
        self._pose = np.zeros(3)  # the one held or on the way to
        self._posed = -9.0  # seconds at which the head set out for it

    def hear(self, cue: Cue, now: float) -> None:
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
