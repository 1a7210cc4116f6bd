"""An avatar for Pipecat: a processor that stands between the voice and the transport's output.

    pipeline = Pipeline([..., tts, avatar_processor(avatar, speaker), transport.output()])

The sound goes on in pieces of one frame, each after its picture. Written after pipecat-ai 1.14.
"""

import asyncio
import time
from typing import Any

import numpy as np

from avatar.live.hosts.needed import needed
from avatar.live.performance import Moment, Performance
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.speaker import Speaker
from avatar.rig.avatar import Avatar

PACKAGE = "pipecat-ai"


def avatar_processor(
    avatar: Avatar, speaker: Speaker, options: PictureOptions | None = None
) -> Any:
    """A FrameProcessor. InputError where Pipecat is not installed."""
    frames = needed("pipecat.frames.frames", PACKAGE)
    base = needed("pipecat.processors.frame_processor", PACKAGE).FrameProcessor

    class Processor(base):
        """Pipecat's own base class comes in only now."""

        def __init__(self) -> None:
            super().__init__()
            self._acting = _Acting(frames, PictureMaker(avatar, speaker, options), speaker)

        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            before, after = await self._acting.answer(frame)
            for made in before:
                await self.push_frame(made, direction)
            if not isinstance(frame, frames.TTSAudioRawFrame):
                await self.push_frame(frame, direction)
            for made in after:
                await self.push_frame(made, direction)

    return Processor()


class _Acting:
    """What goes out for what comes in."""

    def __init__(self, frames: Any, painter: PictureMaker, speaker: Speaker) -> None:
        self._frames, self._painter, self._speaker = frames, painter, speaker
        self._performance: Performance | None = None
        self._said: list[Moment] = []  # of the utterance, and since when it is heard
        self._begun = 0.0

    async def answer(self, frame: Any) -> tuple[list[Any], list[Any]]:
        """Frames that go out before a frame, and after it."""
        if isinstance(frame, self._frames.TTSAudioRawFrame):
            moments = await asyncio.to_thread(self._speak, frame)
            return await self._shown(moments, frame), []
        if self._performance is None:
            return [], []
        if isinstance(frame, self._frames.TTSStoppedFrame):
            moments = await asyncio.to_thread(self._performance.end)
            return await self._shown(moments, frame), []
        if isinstance(frame, self._frames.InterruptionFrame):
            self._tell_seen(self._performance)
            moments, self._said = self._performance.interrupt(), []
            return [], await self._shown(moments, frame)
        return [], []

    def _speak(self, frame: Any) -> list[Moment]:
        """Hear a piece of the voice; another rate begins anew."""
        if self._performance is None or self._performance.rate != frame.sample_rate:
            self._performance = Performance(self._speaker, frame.sample_rate)
        sound = np.frombuffer(frame.audio, np.int16).reshape(-1, frame.num_channels)[:, 0]
        moments = self._performance.speak(sound)
        if moments and moments[0].frame == 0:
            self._said, self._begun = [], time.monotonic()
        self._said += moments
        return moments

    def _tell_seen(self, performance: Performance) -> None:
        """What the listener has seen, by the time: the transport plays as fast as it is heard."""
        frame = int((time.monotonic() - self._begun) * performance.fps)
        if self._said:
            performance.seen(self._said[min(frame, len(self._said) - 1)])

    async def _shown(self, moments: list[Moment], frame: Any) -> list[Any]:
        """Each moment's picture, then its sound."""
        out: list[Any] = []
        for moment in moments:
            picture = await asyncio.to_thread(self._painter.picture, moment.row)
            height, width, _ = picture.shape
            image = self._frames.OutputImageRawFrame(picture.tobytes(), (width, height), "RGB")
            image.sync_with_audio = bool(len(moment.sound))
            out.append(image)
            if len(moment.sound):
                assert self._performance is not None
                sound, rate = moment.sound.tobytes(), self._performance.rate
                out.append(self._frames.TTSAudioRawFrame(sound, rate, 1))
        return out
