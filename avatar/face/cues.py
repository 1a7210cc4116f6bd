"""What a face answers to in a voice: where speech begins and ends, and accents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audio2mesh.prosody.record import Accent, Prosody
from avatar.face.moves import RATE

Kind = Literal["onset", "end", "rest", "accent"]

REST_SECONDS = 2.0
"""A silence as long as this is no pause within a speech."""


@dataclass(frozen=True)
class Cue:
    kind: Kind
    time: float  # seconds from the recording's start
    prominence: float = 0.0  # of an accent


class Cues:
    """Finds the cues in prosody that arrives bit by bit, whatever the bits."""

    def __init__(self, accent_seconds: float) -> None:
        """accent_seconds: after its start an accent becomes a cue at the earliest."""
        self._accent_seconds = accent_seconds
        self.frame = 0  # the next one
        self._speaks, self._changed = False, 0
        self._waiting: list[Accent] = []

    def hear(self, piece: Prosody) -> Iterator[list[Cue]]:
        """For each frame of a piece the cues that are known with it."""
        self._waiting += piece.accents
        for speaks in piece.speaking.tolist():
            yield self._step(speaks)

    def _step(self, speaks: bool) -> list[Cue]:
        found: list[Cue] = []
        now = self.frame / RATE
        if speaks != self._speaks:
            found.append(Cue("onset" if speaks else "end", now))
            self._speaks, self._changed = speaks, self.frame
        if not speaks and self.frame - self._changed == round(REST_SECONDS * RATE):
            found.append(Cue("rest", self._changed / RATE))
        due = [a for a in self._waiting if a.time + self._accent_seconds <= now]
        if due:
            self._waiting = [a for a in self._waiting if a not in due]
            found += [Cue("accent", a.time, a.prominence) for a in due]
        self.frame += 1
        return found
