"""Motion of head, eyes, brows, lids and breath from a voice's prosody, and from another's that is
listened to.

One generator for recordings and for live speech: it reads the prosody frame by frame with a short
look-ahead; the other's it knows no sooner than it is heard.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from audio2mesh.prosody.record import Prosody
from avatar.behaviour.blinks import Blinks, Breath, Brows
from avatar.behaviour.gaze import Gaze, GazeController
from avatar.behaviour.head_motion import DELAY, HeadMotion
from avatar.behaviour.listening import LATE, Listening
from avatar.behaviour.speech_events import RATE, PitchContour, SpeechEvent, SpeechEvents, silence
from avatar.behaviour.style import SPEAKER, StyleParams
from avatar.geometry.vectors import Floats

PROMINENT = 1.1  # standard deviations above the speaker's vowels
APART_SECONDS = 1.2  # between two accents with a reaction, at least
ACCENT_MEMORY = 20.0  # time constant of their rate's estimate, seconds
INITIAL_RATE = 0.25  # of that estimate, a second
ACCENT_SECONDS = 0.36
"""Time from the start of an accent's vowel until it is certain."""
LOOKAHEAD = 1.0
"""Seconds of prosody that are known beyond each frame of a recording."""
COLUMNS = 9
"""Of a frame: yaw, pitch and roll of the head, yaw and pitch of the gaze (degrees), lids, brows,
breath and a listener's smile."""
BLINK_SECONDS = 0.35
"""From a pause of another's to a listener's blinks: 0.25 to 0.5 s after the speaker's own (Nakano,
Kitazawa 2010)."""
AVERTS, AVERT_SECONDS = 0.731, (1.03, 1.27)
"""Share of turns before which the eyes leave the other, and from when before to when after their
start (Andrist, Mutlu, Gleicher 2013)."""


@dataclass(frozen=True)
class Behaviour:
    """Parameters of a face's behaviour."""

    style: StyleParams = SPEAKER
    take: int = 0
    """random seed"""
    head: float = 1.0
    """gain of the head's motion"""
    gaze: Gaze = field(default_factory=Gaze)


class LifeMaker:
    """Makes motion from prosody in pieces, however it is cut up."""

    def __init__(
        self, behaviour: Behaviour, lookahead: float = LOOKAHEAD, answers: bool = False
    ) -> None:
        """lookahead: seconds of prosody that are known beyond each frame. Where that is too short
        for certain accents, the face reacts to them as soon as they are known. answers: whether
        another has spoken just before."""
        ahead = max(round(lookahead * RATE), DELAY)
        style, self._amount = behaviour.style, behaviour.head
        streams = [np.random.default_rng([behaviour.take, stream]) for stream in range(8)]
        self._style, self._rng = style, streams[0]
        self._events = SpeechEvents(ACCENT_SECONDS if lookahead > ACCENT_SECONDS else 0.0)
        self._frame = -ahead
        self._pitch_track = PitchContour(ahead - DELAY)
        self._head = HeadMotion(style, streams[1], streams[2])
        self._gaze = GazeController(style, behaviour.gaze, streams[3])
        self._blinks, self._brows = Blinks(style, streams[4]), Brows(style, streams[5])
        self._breath = Breath(streams[6])
        self._accented, self._rate = -9.0, INITIAL_RATE
        self.ahead = ahead
        """frames that are known beyond each one"""
        self._listening, self._other_events = Listening(streams[7]), SpeechEvents(ACCENT_SECONDS)
        self._other: deque[tuple[float, bool, list[SpeechEvent]]] = deque()  # not answered yet
        self._answered = 0  # frames of the other's voice
        self._speaks, self._answers, self._averts = False, answers, (np.inf, np.inf)

    def hear(self, piece: Prosody) -> Floats:
        """Frames [n, COLUMNS], RATE a second, that became ready with a piece of prosody."""
        return np.array([*self._rows(piece)]).reshape(-1, COLUMNS)

    def finish(self) -> Floats:
        """The frames that remain when the voice has ended."""
        return self.hear(silence(self.ahead))

    def listen(self, piece: Prosody) -> None:
        """The next prosody of another's voice, which began with one's own; frames that were made
        already do not answer it."""
        heard = zip(piece.pitch.tolist(), piece.speaking.tolist(), strict=True)
        for voice, events in zip(heard, self._other_events.hear(piece), strict=True):
            self._other.append((*voice, events))

    def _rows(self, piece: Prosody) -> Iterator[Floats]:
        heard = zip(piece.pitch.tolist(), piece.speaking.tolist(), strict=True)
        for voice, events in zip(heard, self._events.hear(piece), strict=True):
            now = self._frame / RATE
            for event in events:
                self._answer(event, now)
            self._attend(now)
            row = self._step(now, *self._pitch_track.push(*voice))
            if self._frame >= 0:
                yield row
            self._frame += 1

    def _attend(self, now: float) -> None:
        """React to what of the other's voice is known by now."""
        while self._other and self._answered <= self._frame - LATE:
            pitch, speaks, events = self._other.popleft()
            self._answered += 1
            self._answers |= speaks and not self._speaks
            self._listening.hear(pitch, speaks, events, now, not self._speaks)
            for event in events:
                if event.kind == "end" and not self._speaks:
                    self._blinks.end(event.time + BLINK_SECONDS)
        self._gaze.attend(self._listening.attends(now) and not self._speaks, now)
        if now >= self._averts[0]:
            self._gaze.avert(self._averts[1], now)
            self._averts = (np.inf, np.inf)

    def _answer(self, event: SpeechEvent, now: float) -> None:
        if event.kind == "onset" and self._answers:
            self._answers = False
            if self._rng.random() < AVERTS:
                before, after = AVERT_SECONDS
                self._averts = (event.time - before, event.time + after)
        self._head.hear(event, now)
        self._breath.hear(event)
        if event.kind == "end":
            self._blinks.end(event.time)
        prominent = event.kind == "accent" and event.prominence >= PROMINENT
        if prominent and event.time - self._accented >= APART_SECONDS:
            seconds = min(event.time - self._accented, ACCENT_MEMORY)
            self._rate += seconds / ACCENT_MEMORY * (1 / max(seconds, 1e-6) - self._rate)
            self._accented = event.time
            nods = bool(self._rng.random() < self._style.nodding)
            if nods:
                self._head.nod(event.time, now)
            self._brows.answer(event.time, nods, self._rate, now)

    def _step(self, now: float, pitch: float, speaks: bool) -> Floats:
        look, turn = self._gaze.step(now)
        if self._gaze.shifted:
            self._blinks.shift(self._gaze.shifted, now)
        self._speaks = speaks
        nod, flash, smile = self._listening.step()
        head = self._amount * (self._head.step(pitch, speaks) + np.array([0.0, nod, 0.0]))
        head[:2] += min(self._amount, 1.0) * turn
        lids, breath = self._blinks.step(now), self._breath.step(now)
        brows = min(self._brows.step() + flash, 1.0)
        return np.array([*head, *look, lids, brows, breath, smile])
