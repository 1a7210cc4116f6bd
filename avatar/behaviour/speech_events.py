"""What a face reacts to in a voice (onsets, ends, accents, a pitch without gaps), and the planned
trajectories by which it does so, frame by frame."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Literal

import numpy as np

from audio2mesh.prosody.record import FRAMES_PER_SECOND, PER_FRAME, Accent, Prosody
from avatar.geometry.vectors import Floats

RATE = 100
"""Frames a second at which the motion of a face is computed."""


class Trajectories:
    """The sum of planned movements, which may overlap.

    Each goes from rest to rest with minimum jerk (Flash, Hogan 1985) and holds its end.
    """

    def __init__(self, start: Floats, seconds: float = 4.0) -> None:
        """start [width]: the numbers that move; seconds: how far ahead movements may end."""
        self._steps = np.zeros((round(seconds * RATE), len(start)))
        self.position, self.goal = start, start

    def plan(self, start: float, seconds: float, by: Floats) -> None:
        """Move by [width], `start` seconds from now, or at once where that is past."""
        first = max(0, round(start * RATE))
        frames = min(max(1, round(seconds * RATE)), len(self._steps) - first)
        assert frames > 0, (start, seconds)
        way = least_jerk(np.arange(frames + 1) / frames)
        self._steps[first : first + frames] += np.diff(way)[:, None] * by
        self.goal = self.goal + by

    def step(self) -> Floats:
        """The position [width] in the next frame."""
        self.position = self.position + self._steps[0]
        self._steps[:-1] = self._steps[1:]
        self._steps[-1] = 0
        return self.position


def least_jerk(t: Floats) -> Floats:
    """Progress in [0, 1] of a minimum-jerk movement after a share t in [0, 1] of its time."""
    return t**3 * (10 - 15 * t + 6 * t * t)


Kind = Literal["onset", "end", "rest", "accent"]

REST_SECONDS = 2.0
"""A silence of this length ends a speech."""


@dataclass(frozen=True)
class SpeechEvent:
    kind: Kind
    time: float  # seconds from the recording's start
    prominence: float = 0.0  # of an accent


class SpeechEvents:
    """Finds the events in prosody that arrives in pieces, however it is cut up."""

    def __init__(self, accent_seconds: float) -> None:
        """accent_seconds: from the start of an accent until it becomes an event, at least."""
        self._accent_seconds = accent_seconds
        self.frame = 0  # the next one
        self._speaks, self._changed = False, 0
        self._waiting: list[Accent] = []

    def hear(self, piece: Prosody) -> Iterator[list[SpeechEvent]]:
        """For each frame of a piece the events that become known with it."""
        self._waiting += piece.accents
        for speaks in piece.speaking.tolist():
            yield self._step(speaks)

    def _step(self, speaks: bool) -> list[SpeechEvent]:
        found: list[SpeechEvent] = []
        now = self.frame / RATE
        if speaks != self._speaks:
            found.append(SpeechEvent("onset" if speaks else "end", now))
            self._speaks, self._changed = speaks, self.frame
        if not speaks and self.frame - self._changed == round(REST_SECONDS * RATE):
            found.append(SpeechEvent("rest", self._changed / RATE))
        due = [a for a in self._waiting if a.time + self._accent_seconds <= now]
        if due:
            self._waiting = [a for a in self._waiting if a not in due]
            found += [SpeechEvent("accent", a.time, a.prominence) for a in due]
        self.frame += 1
        return found


BELIEVED = 12.0  # semitones from the speaker's median; beyond are errors of the tracker


class PitchContour:
    """Delays each frame's pitch and fills the gaps between voiced frames of a phrase linearly, as
    far as the delay reaches."""

    def __init__(self, late: int) -> None:
        """late: delay in frames; with 0 gaps stay."""
        self._late = late
        self._held = deque([(nan, False)] * late)
        self._last = nan  # voiced pitch, nan where the phrase has none yet

    def push(self, pitch: float, speaks: bool) -> tuple[float, bool]:
        """The pitch, nan where it is not known, and whether somebody speaks, `late` frames ago."""
        pitch = pitch if abs(pitch) <= BELIEVED else nan
        if not speaks:
            self._last = nan
        elif isfinite(pitch):
            if isfinite(self._last):
                self._fill(pitch)
            self._last = pitch
        self._held.append((pitch, speaks))
        return self._held.popleft()

    def _fill(self, pitch: float) -> None:
        gap = 0
        while gap < len(self._held) and not isfinite(self._held[-1 - gap][0]):
            gap += 1
        whole = gap < len(self._held)  # else it began before what is held
        for k in range(1, gap + 1):
            share = 1 - k / (gap + 1) if whole else 1.0
            self._held[-k] = (self._last + share * (pitch - self._last), self._held[-k][1])


def silence(frames: int) -> Prosody:
    """Prosody without a voice."""
    nothing = np.zeros(frames, np.float32)
    return Prosody(
        f0=nothing + np.nan,
        pitch=nothing + np.nan,
        energy=nothing - 60,
        speaking=np.zeros(frames, bool),
        phrases=(),
        accents=(),
    )


def part(prosody: Prosody, frames: slice) -> Prosody:
    """Some frames of a recording's prosody, with the accents that start in them."""
    curves = {name: getattr(prosody, name)[frames] for name in PER_FRAME}
    start, stop = frames.start / FRAMES_PER_SECOND, frames.stop / FRAMES_PER_SECOND
    accents = tuple(a for a in prosody.accents if start <= a.time < stop)
    return replace(prosody, **curves, phrases=(), accents=accents)


def in_parts(prosody: Prosody, frames: int) -> Iterator[Prosody]:
    """A recording's prosody in pieces of so many frames."""
    for start in range(0, len(prosody), frames):
        yield part(prosody, slice(start, min(start + frames, len(prosody))))
