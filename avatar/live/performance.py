"""Speech of any rate and what is shown while it is heard, frame by frame: what hosts of video and
of sound want. The same sample count stamps both, so they cannot drift apart."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.session import Frames, Session
from avatar.live.speaker import Speaker

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class TimedFrame:
    """One frame."""

    turn: int
    frame: int  # of the turn; less than 0 before its beginning
    row: NDArray[np.float32]  # [C + U + POSE]
    sound: Pcm  # [s] what is heard during the frame; empty where nothing is


class Performance:
    """Say what is heard in the next moments, and get those that are known."""

    def __init__(self, speaker: Speaker, rate: int) -> None:
        """rate: of the sound, in samples a second."""
        self.session, self.rate, self.fps = Session(speaker), rate, speaker.model.fps
        self._seen: TimedFrame | None = None
        self._begin()

    def speak(self, sound: Pcm) -> list[TimedFrame]:
        """Sound [s] that follows what was said before."""
        self._sound = np.concatenate([self._sound, sound])
        samples = self._resampler.resample_chunk(sound.astype(np.float32) / 32768)
        return self._moments(self.session.push(samples))

    def end(self) -> list[TimedFrame]:
        """The moments that remain when an utterance has ended."""
        samples = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        moments = self._moments(self.session.push(samples)) + self._moments(self.session.finish())
        left = self._sound
        self._begin()
        if moments and len(left):
            last = moments[-1]
            moments[-1] = TimedFrame(last.turn, last.frame, last.row, np.append(last.sound, left))
        return moments

    def interrupt(self) -> list[TimedFrame]:
        """The moments in which the mouth shuts; those that `seen` was not told of are forgotten."""
        seen, at = self._seen, (None, 0)
        if seen is not None:
            at = seen.turn, max(0, -(-seen.frame * SAMPLE_RATE // self.fps))
        self._begin()
        return self._moments(self.session.interrupt(*at))

    def seen(self, moment: TimedFrame) -> None:
        """A moment was handed to whoever shows it."""
        self._seen = moment

    def _begin(self) -> None:
        """A turn without sound."""
        self._sound = np.zeros(0, np.int16)
        self._given = 0  # samples of the turn that went out
        self._resampler = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1)

    def _moments(self, frames: Frames) -> list[TimedFrame]:
        first = frames.sample * self.fps // SAMPLE_RATE
        return [
            TimedFrame(frames.turn, first + n, row, self._heard_during(first + n))
            for n, row in enumerate(frames.rows)
        ]

    def _heard_during(self, frame: int) -> Pcm:
        """The sound until a frame's end, that did not go out before."""
        count = max(0, (frame + 1) * self.rate // self.fps - self._given)
        piece, self._sound = self._sound[:count], self._sound[count:]
        self._given += len(piece)
        return piece
