"""Speech of any sample rate to timed frames with their sound, for hosts of video and sound. One
sample count stamps both, so they cannot drift apart. What another says is listened to."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.behaviour.performance import NOTHING
from avatar.live.session import Frames, Session
from avatar.live.speaker import Speaker

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class TimedFrame:
    turn: int
    frame: int  # of the turn; less than 0 before its beginning
    row: NDArray[np.float32]  # [C + U + POSE]
    sound: Pcm  # [s] during the frame; may be empty


class Performance:
    """Push speech, get the frames that are ready."""

    def __init__(self, speaker: Speaker, rate: int) -> None:
        """rate: of the sound, in samples a second."""
        self.session, self.rate, self.fps = Session(speaker), rate, speaker.model.fps
        self._seen: TimedFrame | None = None
        self._ear, self._ear_rate = soxr.ResampleStream(rate, SAMPLE_RATE, 1), rate
        self._begin()

    def speak(self, sound: Pcm) -> list[TimedFrame]:
        """The next sound [s]; the frames that are ready."""
        self._sound = np.concatenate([self._sound, sound])
        samples = self._resampler.resample_chunk(sound.astype(np.float32) / 32768)
        return self._frames(self.session.push(samples))

    def listen(self, sound: Pcm, rate: int) -> list[TimedFrame]:
        """The next sound [s] of another, of a rate of its own; the frames that are ready, of a
        silent mouth: none during an utterance, from its first sound to its end."""
        if rate != self._ear_rate:
            self._ear, self._ear_rate = soxr.ResampleStream(rate, SAMPLE_RATE, 1), rate
        heard = self._ear.resample_chunk(sound.astype(np.float32) / 32768)
        return self._frames(self.session.push(NOTHING, heard))

    def end(self) -> list[TimedFrame]:
        """The frames that remain when an utterance has ended."""
        samples = self._resampler.resample_chunk(np.zeros(0, np.float32), last=True)
        frames = self._frames(self.session.push(samples)) + self._frames(self.session.finish())
        left = self._sound
        self._begin()
        if frames and len(left):
            last = frames[-1]
            frames[-1] = TimedFrame(last.turn, last.frame, last.row, np.append(last.sound, left))
        return frames

    def interrupt(self) -> list[TimedFrame]:
        """The frames in which the mouth shuts; those not reported by `seen` are dropped."""
        seen, at = self._seen, (None, 0)
        if seen is not None:
            at = seen.turn, max(0, -(-seen.frame * SAMPLE_RATE // self.fps))
        self._begin()
        return self._frames(self.session.interrupt(*at))

    def seen(self, frame: TimedFrame) -> None:
        """Report a frame as displayed."""
        self._seen = frame

    def _begin(self) -> None:
        """A turn without sound."""
        self._sound = np.zeros(0, np.int16)
        self._given = 0  # samples of the turn already returned
        self._resampler = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1)

    def _frames(self, frames: Frames) -> list[TimedFrame]:
        first = frames.sample * self.fps // SAMPLE_RATE
        return [
            TimedFrame(frames.turn, first + n, row, self._heard_during(first + n))
            for n, row in enumerate(frames.rows)
        ]

    def _heard_during(self, frame: int) -> Pcm:
        """The remaining sound up to a frame's end."""
        count = max(0, (frame + 1) * self.rate // self.fps - self._given)
        piece, self._sound = self._sound[:count], self._sound[count:]
        self._given += len(piece)
        return piece
