"""Breathing, visible as the rise and fall of the shoulders and the base of the neck.

The chest fills quickly before a phrase and empties slowly while it is spoken; in silence it cycles
12 to 18 times a minute (resting adults), a third as deep as before speech.
"""

from collections import deque

import numpy as np
import torch
from torch import Tensor

from avatar.behaviour.speech_events import SpeechEvent, least_jerk
from avatar.retarget.fitted_face import Face

UNIT = "breath"
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
    """Fill of the chest from 0 to 1, frame by frame."""

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
    if name != UNIT:
        return face.head.unit(name)
    back = face.to_head.inverse()
    rise = back.scale * np.array(RISE_METRES) @ back.rotation.T
    return (1 - face.head.pose_weights)[:, None] * torch.from_numpy(rise).float()
