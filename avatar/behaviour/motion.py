"""What a face does besides speaking, from a voice's prosody: head, eyes, brows and lids.

One generator for recordings and for speech that is still going on: it goes through the prosody one
frame after another and knows only a little of what comes next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from audio2mesh.prosody.record import Prosody
from avatar.behaviour.blinks import Blinks, Brows
from avatar.behaviour.breath import Breath
from avatar.behaviour.gaze import Gaze, GazeController
from avatar.behaviour.head_motion import DELAY, HeadMotion
from avatar.behaviour.speech_events import RATE, PitchContour, SpeechEvent, SpeechEvents, silence
from avatar.behaviour.style import SPEAKER, StyleParams
from avatar.geometry.vectors import Floats

PROMINENT = 1.1  # standard deviations above the speaker's vowels
APART_SECONDS = 1.2  # between two accents that are answered, at least
ACCENT_MEMORY = 20.0  # seconds by which their rate is judged
USUAL_RATE = 0.25  # of them a second, as long as nothing is known
ACCENT_SECONDS = 0.36
"""After the start of an accent's vowel it is known for sure."""
LOOKAHEAD = 1.0
"""Seconds of prosody beyond a frame that are heard before it is made, where there is time."""
COLUMNS = 8
"""Of a frame: the head's yaw, pitch and roll, the look's yaw and pitch (degrees), lids, brows and
breath."""


@dataclass(frozen=True)
class Behaviour:
    """How a face shall behave."""

    manner: StyleParams = SPEAKER
    take: int = 0
    """the same take behaves the same way again"""
    head: float = 1.0
    """how large the head's motion is"""
    gaze: Gaze = field(default_factory=Gaze)


class LifeMaker:
    """Makes life from prosody that arrives bit by bit; how it is cut up does not matter."""

    def __init__(self, behaviour: Behaviour, lookahead: float = LOOKAHEAD) -> None:
        """lookahead: seconds of prosody that are known beyond each frame when it is made. Where
        that is too short for accents to be sure, they are answered as soon as they are known."""
        ahead = max(round(lookahead * RATE), DELAY)
        manner, self._amount = behaviour.manner, behaviour.head
        streams = [np.random.default_rng([behaviour.take, stream]) for stream in range(7)]
        self._manner, self._rng = manner, streams[0]
        self._cues, self._frame = (
            SpeechEvents(ACCENT_SECONDS if lookahead > ACCENT_SECONDS else 0.0),
            -ahead,
        )
        self._melody = PitchContour(ahead - DELAY)
        self._head = HeadMotion(manner, streams[1], streams[2])
        self._looking = GazeController(manner, behaviour.gaze, streams[3])
        self._blinks, self._brows = Blinks(manner, streams[4]), Brows(manner, streams[5])
        self._breath = Breath(streams[6])
        self._accented, self._rate = -9.0, USUAL_RATE
        self._ahead = ahead

    def hear(self, piece: Prosody) -> Floats:
        """Frames [n, COLUMNS], RATE a second, that became ready with a piece of prosody."""
        rows = [*self._rows(piece)]
        return np.array(rows).reshape(-1, COLUMNS)

    def finish(self) -> Floats:
        """The frames that remain when the voice has ended."""
        return self.hear(silence(self._ahead))

    def _rows(self, piece: Prosody) -> Iterator[Floats]:
        heard = zip(piece.pitch.tolist(), piece.speaking.tolist(), strict=True)
        for voice, cues in zip(heard, self._cues.hear(piece), strict=True):
            now = self._frame / RATE
            for cue in cues:
                self._answer(cue, now)
            row = self._step(now, *self._melody.push(*voice))
            if self._frame >= 0:
                yield row
            self._frame += 1

    def _answer(self, cue: SpeechEvent, now: float) -> None:
        self._head.hear(cue, now)
        self._breath.hear(cue)
        if cue.kind == "end":
            self._blinks.end(cue.time)
        prominent = cue.kind == "accent" and cue.prominence >= PROMINENT
        if prominent and cue.time - self._accented >= APART_SECONDS:
            seconds = min(cue.time - self._accented, ACCENT_MEMORY)
            self._rate += seconds / ACCENT_MEMORY * (1 / max(seconds, 1e-6) - self._rate)
            self._accented = cue.time
            nods = bool(self._rng.random() < self._manner.nodding)
            if nods:
                self._head.nod(cue.time, now)
            self._brows.answer(cue.time, nods, self._rate, now)

    def _step(self, now: float, pitch: float, speaks: bool) -> Floats:
        look, turn = self._looking.step(now)
        if self._looking.shifted:
            self._blinks.shift(self._looking.shifted, now)
        head = self._amount * self._head.step(pitch, speaks)
        head[:2] += min(self._amount, 1.0) * turn
        lids, brows, breath = self._blinks.step(now), self._brows.step(), self._breath.step(now)
        return np.array([*head, *look, lids, brows, breath])
