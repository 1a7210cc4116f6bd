"""A listener's reactions to another's voice, as it is heard: nods, brow flashes, a small smile, and
whether the eyes stay with the speaker. Nothing moves the lips, and silence moves nothing.

Nods follow stretches of low pitch (Ward, Tsukahara 2000, J Pragmatics 32:1177-1207), as in the
listening agent of Maatman, Gratch and Marsella (2005), ends of phrases (Dittmann, Llewellyn 1968),
and, smaller, stressed syllables (Hadar, Steiner, Rose 1985). Numbers without a source are chosen so
that the listener meets the bands of `evaluate head`.
"""

from math import sqrt

import numpy as np

from avatar.behaviour.speech_events import BELIEVED, RATE, SpeechEvent, Trajectories
from avatar.geometry.vectors import Floats, smoothstep

# A stretch under this quantile of pitch, of this length, after so much speech; the answer comes so
# much later, if none came shortly before (Ward, Tsukahara 2000, English).
LOW_SHARE, LOW_SECONDS, SPOKEN_SECONDS, WAIT_SECONDS = 0.26, 0.11, 0.7, 0.7
LOW_AT_FIRST, LOW_STEP = -1.5, 0.03  # semitones: the quantile, and its change by each frame
END_SECONDS = (0.25, 0.6)  # from a phrase's end to a nod's start
APART_SECONDS = 2.0  # between two nods, at least
LOW_NODS, END_NODS, STRESS_NODS = 0.25, 0.37, 0.12  # shares of occasions with a nod
STRESSED, STRIKING = 1.1, 1.5  # prominence of accents that are nodded to, or flashed at
# Repeated nods are fast, 2.6 to 6.5 Hz (Hale et al. 2020); their first cycle is larger the more
# there are, the others decline, and the last is smaller still (Mori, Den, Jokinen 2025).
CYCLES = (0.45, 0.28, 0.18, 0.09)  # shares of nods with one, two .. cycles
CYCLE_SECONDS, SINGLE_SECONDS = (0.28, 0.36), (0.4, 0.6)
NOD_DEGREES, STRESS_DEGREES = (2.0, 3.6), (1.2, 2.0)
GROWS, DECLINES, LAST = 0.1, 0.8, 0.75
FLASH_SECONDS, FLASH_APART, FLASHES = (0.35, 0.55), 6.0, 0.5
FLASH_WEIGHT = 0.3
RISE, HOLD = 0.35, 0.25  # shares of a flash's time
LIVELY = (2.0, 3.5)  # standard deviations of pitch in semitones that are smiled at: not, and fully
LIVELY_SECONDS = 3.0  # of voiced speech over which they are measured
SMILE, SMILES_SECONDS, SOBERS_SECONDS = 0.35, 0.8, 1.2
ATTENDS_SECONDS = 1.0  # that the eyes stay after a phrase
SMILE_WEIGHTS = {
    "mouthSmileLeft": 1.0,
    "mouthSmileRight": 1.0,
    "cheekSquintLeft": 0.7,
    "cheekSquintRight": 0.7,
}
LATE = 17
"""Frames after which a face reacts to prosody, which is known 0.22 s after the sound."""


class Listening:
    """Reactions, frame by frame."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._moves = Trajectories(np.zeros(2))  # degrees of the head down, weight of the brows
        self._nodded = self._flashed = self._ended = -9.0  # seconds
        self._speaks = False
        self._low, self._low_frames, self._spoken = LOW_AT_FIRST, 0, 0.0
        self._mean, self._variance, self._smile = 0.0, LIVELY[0] ** 2, 0.0

    def hear(
        self, pitch: float, speaks: bool, events: list[SpeechEvent], now: float, free: bool
    ) -> None:
        """The next frame of another's voice: semitones over its median, nan where unvoiced.

        now: time of the face's next frame, in seconds; free: whether one is silent oneself.
        """
        self._speaks = speaks and free
        for event in events:
            self._answer(event, now, free)
        self._spoken += speaks / RATE
        if abs(pitch) <= BELIEVED:
            apart = pitch - self._mean
            self._mean += apart / (LIVELY_SECONDS * RATE)
            self._variance += (apart**2 - self._variance) / (LIVELY_SECONDS * RATE)
        if self._is_low(pitch) and free and self._spoken >= SPOKEN_SECONDS:
            self._nod(now - LATE / RATE + WAIT_SECONDS, now, LOW_NODS, NOD_DEGREES)

    def attends(self, now: float) -> bool:
        """Whether the eyes belong to the speaker."""
        return self._speaks or now - self._ended < ATTENDS_SECONDS

    def step(self) -> Floats:
        """The next frame's degrees of the head up, and weights of the brows and of the smile."""
        lively = smoothstep(*LIVELY, np.array(sqrt(self._variance)))
        wanted = SMILE * float(lively) if self._speaks else 0.0
        seconds = SMILES_SECONDS if wanted > self._smile else SOBERS_SECONDS
        self._smile += (wanted - self._smile) / (seconds * RATE)
        down, brows = self._moves.step()
        return np.array([-down, brows, self._smile])

    def _answer(self, event: SpeechEvent, now: float, free: bool) -> None:
        if event.kind == "end":
            self._ended = event.time if free else -9.0
        if event.kind == "rest":
            self._spoken = 0.0
        if not free:
            return
        if event.kind == "end" and self._spoken >= SPOKEN_SECONDS:
            at = event.time + self._rng.uniform(*END_SECONDS)
            self._nod(at, now, END_NODS, NOD_DEGREES)
        elif event.kind == "accent" and event.prominence >= STRESSED:
            self._nod(now, now, STRESS_NODS, STRESS_DEGREES, most=1)
            if event.prominence >= STRIKING:
                self._flash(now)

    def _is_low(self, pitch: float) -> bool:
        """Whether a stretch of low pitch has just become long enough."""
        if not abs(pitch) <= BELIEVED:
            self._low_frames = 0
            return False
        low = pitch < self._low
        self._low += LOW_STEP * (LOW_SHARE - low)
        self._low_frames = self._low_frames + 1 if low else 0
        return self._low_frames == round(LOW_SECONDS * RATE)

    def _nod(
        self,
        at: float,
        now: float,
        share: float,
        degrees: tuple[float, float],
        most: int = len(CYCLES),
    ) -> None:
        """Nod with some probability, from a time on, unless another nod is near; most: cycles."""
        if abs(at - self._nodded) < APART_SECONDS or self._rng.random() >= share:
            return
        self._nodded = at
        shares = np.array(CYCLES[:most])
        count = 1 + int(self._rng.choice(most, p=shares / shares.sum()))
        seconds = self._rng.uniform(*(CYCLE_SECONDS if count > 1 else SINGLE_SECONDS))
        size, start = self._rng.uniform(*degrees) * (1 + GROWS * (count - 1)), at - now
        for cycle in range(count):
            down = np.array([size * (LAST if 0 < cycle == count - 1 else 1.0), 0.0])
            self._moves.plan(start, 0.45 * seconds, down)
            self._moves.plan(start + 0.45 * seconds, 0.55 * seconds, -down)
            start, size = start + seconds, DECLINES * size

    def _flash(self, now: float) -> None:
        if now - self._flashed < FLASH_APART or self._rng.random() >= FLASHES:
            return
        self._flashed, seconds = now, self._rng.uniform(*FLASH_SECONDS)
        up = np.array([0.0, FLASH_WEIGHT])
        self._moves.plan(0.0, RISE * seconds, up)
        self._moves.plan((RISE + HOLD) * seconds, (1 - RISE - HOLD) * seconds, -up)
