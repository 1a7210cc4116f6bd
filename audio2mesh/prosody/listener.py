"""A recording as it is heard → its prosody, 0.22 s behind."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio2mesh.prosody.events import EventFinder
from audio2mesh.prosody.pitch import HOP, LAG, LOOKAHEAD, Measured, PeriodMeter, PitchTracker
from audio2mesh.prosody.record import FRAMES_PER_SECOND, SILENCE_DB, Prosody, first_frames, joined
from audio2mesh.prosody.voice_activity import (
    DELAY,
    PAUSE,
    ActivityMeter,
    NucleusFinder,
    PhraseFinder,
)
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.resampling import Samples
from audio2mesh.sound.waveform import stream_audio

_BLOCK = 8 * SAMPLE_RATE  # samples that are worked on at a time
_SILENT = -120.0  # dB of full scale
_DRAIN = 64  # frames of silence that bring out all that was heard


class ProsodyListener:
    """Prosody of sound that arrives bit by bit; how it is cut up does not change the result.

    A frame is final `latency` seconds after its start was heard: so early a phrase's start is seen
    in `speaking`, and its end, as a pause has to last 180 ms before it ends a phrase. `phrases` has
    a phrase from its end on. An accent comes 0.32 s after the loudest frame of its vowel, usually
    within 0.4 s of the vowel's start. Memory is bounded.
    """

    latency = (1 + LOOKAHEAD + PAUSE) / FRAMES_PER_SECOND

    def __init__(self) -> None:
        self._meter, self._activity = PeriodMeter(), ActivityMeter()
        self._pitch, self._events = PitchTracker(), EventFinder()
        self._phrases, self._nuclei = PhraseFinder(), NucleusFinder()
        self._late_level, self._late_voice_level = (_Delay(PAUSE, _SILENT) for _ in range(2))
        self._late_pitch = _Delay(PAUSE - LAG, 0.0)
        self._late_nuclei = _Delay(PAUSE - DELAY, False)
        self._given = -PAUSE  # frames

    def push(self, samples: NDArray[np.floating]) -> Prosody:
        """Hear samples [s] mono at 16 kHz; the frames and events that became final."""
        parts = np.split(samples, range(_BLOCK, len(samples), _BLOCK))
        return joined([self._hear(self._meter.push(part)) for part in parts])

    def finish(self) -> Prosody:
        """The frames and events that remain when the sound has ended, the last one in part."""
        frames = -(-self._meter.samples // HOP) - max(self._given, 0)
        end = self._meter.samples / SAMPLE_RATE
        rest = self._hear(self._meter.push(np.zeros(_DRAIN * HOP, np.float32)))
        phrases = tuple(replace(phrase, end=min(phrase.end, end)) for phrase in rest.phrases)
        return replace(first_frames(rest, frames), phrases=phrases)

    def _hear(self, measured: Measured) -> Prosody:
        activity = self._activity.push(measured)
        heard = zip(activity.sound, activity.voiced, strict=True)
        speaking = np.array([self._phrases.push(*frame) for frame in heard], bool)
        over_loud = (measured.voice_level - activity.loud).tolist()
        levels = zip(over_loud, activity.voiced, strict=True)
        nuclei = np.array([self._nuclei.push(*frame) for frame in levels], bool)
        octaves = self._pitch.push(measured.octaves, activity.cost)
        before = min(max(-self._given, 0), len(octaves))  # frames before the recording
        self._given += len(octaves)
        return self._events.push(
            self._late_pitch.push(octaves)[before:],
            np.maximum(self._late_level.push(measured.level) - activity.loud, SILENCE_DB)[before:],
            (self._late_voice_level.push(measured.voice_level) - activity.loud)[before:],
            speaking[before:],
            self._late_nuclei.push(nuclei)[before:],
        )


class _Delay:
    """Hands on one value for each that comes, a number of values late."""

    def __init__(self, length: int, fill: Any) -> None:
        self._held = np.full(length, fill)

    def push(self, values: NDArray[Any]) -> NDArray[Any]:
        held = np.concatenate([self._held.astype(values.dtype), values])
        self._held = held[len(values) :]
        return held[: len(values)]


def heard_prosody(
    blocks: Iterable[Samples], hand_over: Callable[[Prosody], None]
) -> Iterator[Samples]:
    """The same mono blocks [s] at 16 kHz; their prosody is handed over in pieces on the way."""
    listener = ProsodyListener()
    for block in blocks:
        hand_over(listener.push(block))
        yield block
    hand_over(listener.finish())


def prosody_of_file(path: Path) -> Prosody:
    """The prosody of a recording. Raises as `stream_audio` does."""
    pieces: list[Prosody] = []
    for _ in heard_prosody(stream_audio(path), pieces.append):
        pass
    return joined(pieces)


def prosody_of(samples: NDArray[np.floating]) -> Prosody:
    """The prosody of a whole recording [S], mono at 16 kHz."""
    listener = ProsodyListener()
    return joined([listener.push(samples), listener.finish()])
