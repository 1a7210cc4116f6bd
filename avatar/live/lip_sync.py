"""A microphone's sound and the pictures of its speech: the sound waits for what it moves. Nothing
is sent or read here."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av import AudioFrame, AudioResampler, VideoFrame
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.performance import Pcm
from avatar.live.session import Frames

RATE = 48_000
"""Samples a second of what goes out: Opus's own rate over RTP (RFC 7587, 4.1)."""
PIECE = RATE // 50
"""Samples that go out at a time."""
LONGEST_GAP = 1
"""Longest gap in seconds that is filled with silence; a longer one restarts the clock."""
WAITING_ROWS = 250
"""Rows that wait to be drawn, at most: the oldest are dropped."""


class Microphone:
    """Decoded frames of a track as sound without gaps: lost samples become silence."""

    def __init__(self) -> None:
        self._resampler = AudioResampler("s16", "mono", RATE)
        self._next: Fraction | None = None  # when the next frame should begin, in seconds

    def hear(self, frame: AudioFrame) -> Pcm:
        """Sound [s] at RATE. Raises ValueError for a frame of another kind than the first."""
        lost = self._lost(frame)
        frame.pts = None  # the resampler counts for itself
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        return np.concatenate([np.zeros(lost, np.int16), *parts])

    def _lost(self, frame: AudioFrame) -> int:
        """Samples at RATE that are missing before a frame."""
        if frame.pts is None or frame.time_base is None:
            return 0
        begin = Fraction(frame.pts) * frame.time_base  # seconds
        gap = begin - self._next if self._next is not None else Fraction(0)
        self._next = begin + Fraction(frame.samples, frame.sample_rate)
        return round(gap * RATE) if 0 < gap <= LONGEST_GAP else 0


@dataclass(frozen=True)
class TimedRow:
    """A row, visible from a sample on."""

    sample: int  # of the microphone, at SAMPLE_RATE
    row: NDArray[np.float32]  # [C + U + POSE]


class LipSync:
    """Delays sound and rows alike. The microphone's samples are the only clock, so nothing drifts;
    rows that cannot be drawn in time are dropped for newer ones."""

    def __init__(self, delay: float, fps: int) -> None:
        """delay: seconds that the sound waits; fps: of rows."""
        self._delay, self._fps = round(delay * RATE), fps
        self._sound = np.zeros(0, np.int16)  # delayed
        self._sent = 0  # samples at RATE
        self._rows: deque[TimedRow] = deque(maxlen=WAITING_ROWS)

    def hear(self, sound: Pcm) -> list[AudioFrame]:
        """The next sound [s] at RATE; the pieces that are due."""
        self._sound = np.concatenate([self._sound, sound])
        due: list[AudioFrame] = []
        while len(self._sound) >= self._delay + PIECE:
            piece, self._sound = self._sound[:PIECE], self._sound[PIECE:]
            due.append(sound_frame(piece, self._sent))
            self._sent += PIECE
        return due

    def expect(self, frames: Frames) -> None:
        """Add rows of the sound heard."""
        first = frames.sample * self._fps // SAMPLE_RATE
        for n, row in enumerate(frames.rows, first):
            self._rows.append(TimedRow(-(-n * SAMPLE_RATE // self._fps), row))

    def is_due(self, row: TimedRow) -> bool:
        """Whether the sound of its start was sent."""
        return row.sample * RATE < self._sent * SAMPLE_RATE

    def next_row(self) -> TimedRow | None:
        """The row to draw next, if any: the last one due, or the first to come."""
        while len(self._rows) > 1 and self.is_due(self._rows[1]):
            self._rows.popleft()
        return self._rows.popleft() if self._rows else None


def sound_frame(sound: Pcm, sample: int) -> AudioFrame:
    """Sound [s] at RATE from a sample on."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound[None]), "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, sample, Fraction(1, RATE)
    return frame


def video_frame(picture: NDArray[np.uint8], sample: int) -> VideoFrame:
    """A picture [H, W, 3], visible from a sample at SAMPLE_RATE on."""
    frame = VideoFrame.from_ndarray(picture, "rgb24")
    frame.pts, frame.time_base = sample, Fraction(1, SAMPLE_RATE)
    return frame
