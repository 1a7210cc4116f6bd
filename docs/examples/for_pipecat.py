"""An avatar in Pipecat, between the voice and the output: tested with pipecat-ai 1.14.

params = TransportParams(audio_in_enabled=True, audio_out_enabled=True, video_out_enabled=True,
                         video_out_width=512, video_out_height=512, video_out_framerate=25)
pipeline = Pipeline([transport.input(), ..., tts, AvatarProcessor(avatar, speaker),
                     transport.output()])

Leave video_out_is_live off: with it, Pipecat does not draw the pictures that belong to sound.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from pipecat.frames.frames import (  # pyright: ignore[reportMissingImports]
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputImageRawFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import (  # pyright: ignore[reportMissingImports]
    FrameDirection,
    FrameProcessor,
)

from avatar.live.performance import Pcm, Performance, TimedFrame
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.speaker import Speaker
from avatar.rigging.avatar import Avatar

PIECES = 10  # a second, in which sound is computed, so that an interruption need not wait long


class AvatarProcessor(FrameProcessor):
    """The voice goes on in pieces of one video frame, each after its picture. While it is silent,
    the avatar listens to the microphone."""

    def __init__(
        self, avatar: Avatar, speaker: Speaker, options: PictureOptions | None = None
    ) -> None:
        super().__init__()
        self._speaker, self._painter = speaker, PictureMaker(avatar, speaker, options)
        self._performance = Performance(speaker, 24_000)
        self._said: list[TimedFrame] = []  # of the utterance
        self._begun = 0.0  # when it was heard first
        self._speaking = False  # until the last sound was heard
        self._heard: list[InputAudioRawFrame] = []  # not listened to yet
        self._listening: asyncio.Task | None = None
        self._thread = ThreadPoolExecutor(1)  # an interruption waits for what is computed

    async def cleanup(self) -> None:
        if self._listening:
            await self.cancel_task(self._listening)
        await super().cleanup()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self._speaking = True
            self._heard.clear()
            for piece in self._pieces(frame):
                await self._show(await self._do(self._speak, piece), frame.context_id)
            return
        if isinstance(frame, TTSStoppedFrame):
            await self._show(await self._do(self._performance.end), frame.context_id)
        if isinstance(frame, BotStoppedSpeakingFrame):
            self._speaking = False
        await self.push_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._speaking = False
            await self._show(await self._do(self._interrupt))
        elif isinstance(frame, InputAudioRawFrame) and not self._speaking:
            self._heard.append(frame)
            if self._listening is None or self._listening.done():
                self._listening = self.create_task(self._listen())

    async def _listen(self) -> None:
        """Beside Pipecat's queue, in which the microphone goes before the voice; pictures that are
        late are left out."""
        while self._heard and not self._speaking:
            sound, rate = np.concatenate([*map(_mono, self._heard)]), self._heard[0].sample_rate
            self._heard.clear()
            timed = await self._do(self._performance.listen, sound, rate)
            if not self._speaking:
                await self._show(timed[-1:])

    async def _do(self, function: Callable[..., Any], *args: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    def _pieces(self, frame: TTSAudioRawFrame) -> list[Pcm]:
        if self._performance.rate != frame.sample_rate:
            self._performance = Performance(self._speaker, frame.sample_rate)
        sound, size = _mono(frame), frame.sample_rate // PIECES
        return [sound[first : first + size] for first in range(0, len(sound), size)]

    def _speak(self, sound: Pcm) -> list[TimedFrame]:
        timed = self._performance.speak(sound)
        if timed and timed[0].frame == 0:
            self._said, self._begun = [], time.monotonic()
        self._said += timed
        return timed

    def _interrupt(self) -> list[TimedFrame]:
        """Shut the mouth from what the listener sees: the output plays as fast as it is heard."""
        if self._said:
            frame = int((time.monotonic() - self._begun) * self._performance.fps)
            self._performance.seen(self._said[min(frame, len(self._said) - 1)])
        self._said = []
        return self._performance.interrupt()

    async def _show(self, timed: list[TimedFrame], context: str | None = None) -> None:
        for each in timed:
            picture = await self._do(self._painter.picture, each.row)
            height, width, _ = picture.shape
            image = OutputImageRawFrame(picture.tobytes(), (width, height), "RGB")
            image.sync_with_audio = bool(len(each.sound))
            await self.push_frame(image)
            if len(each.sound):
                sound, rate = each.sound.tobytes(), self._performance.rate
                await self.push_frame(TTSAudioRawFrame(sound, rate, 1, context_id=context))


def _mono(frame: TTSAudioRawFrame | InputAudioRawFrame) -> Pcm:
    return np.frombuffer(frame.audio, np.int16).reshape(-1, frame.num_channels)[:, 0]
