"""An avatar in LiveKit Agents, for its AvatarRunner: tried with livekit-agents 1.8.

options = AvatarOptions(512, 512, 25, audio_sample_rate=24_000, audio_channels=1)
generator = AvatarGenerator(avatar, speaker)
runner = AvatarRunner(room, audio_recv=receiver, video_gen=generator, options=options)
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
from livekit.agents.voice.avatar import (  # pyright: ignore[reportMissingImports]
    AudioSegmentEnd,
    VideoGenerator,
)

from avatar.live.performance import Performance, TimedFrame
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.speaker import Speaker
from avatar.rigging.avatar import Avatar

WAIT = 0.005  # seconds


class AvatarGenerator(VideoGenerator):
    """While nothing is said the avatar is silent and alive; LiveKit paces what it takes."""

    def __init__(
        self,
        avatar: Avatar,
        speaker: Speaker,
        options: PictureOptions | None = None,
        rate: int = 24_000,
    ) -> None:
        """rate: of the agent's voice, in samples a second, as in AvatarOptions, whose frames a
        second must be `speaker.model.fps`."""
        self._rate, self._painter = rate, PictureMaker(avatar, speaker, options)
        self._performance = Performance(speaker, rate)
        self._said: deque[rtc.AudioFrame | AudioSegmentEnd] = deque()  # not performed yet
        self._ready: deque[TimedFrame | None] = deque()  # None: the end of an utterance
        self._speaking = False
        self._busy = asyncio.Lock()

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        self._said.append(frame)

    async def clear_buffer(self) -> None:
        """Be silent now."""
        self._said.clear()
        async with self._busy:
            self._ready = deque(self._performance.interrupt())
            self._speaking = False

    async def __aiter__(
        self,
    ) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        while True:
            while not self._ready:
                await self._more()
            timed = self._ready.popleft()
            if timed is None:
                self._speaking = False
                yield AudioSegmentEnd()
                continue
            picture = await asyncio.to_thread(self._painter.picture, timed.row)
            self._performance.seen(timed)
            height, width, _ = picture.shape
            kind = rtc.VideoBufferType.RGB24
            yield rtc.VideoFrame(width, height, kind, picture.tobytes())
            if self._speaking and len(timed.sound):
                yield rtc.AudioFrame(timed.sound.tobytes(), self._rate, 1, len(timed.sound))

    async def _more(self) -> None:
        if self._speaking and not self._said:  # a voice that is slower than it is heard
            await asyncio.sleep(WAIT)
            return
        async with self._busy:
            await asyncio.to_thread(self._perform)

    def _perform(self) -> None:
        """The next thing that was said; silence where nothing was."""
        if not self._said:
            silence = np.zeros(self._rate // self._performance.fps, np.int16)
            self._ready.extend(self._performance.speak(silence))
            return
        frame = self._said.popleft()
        if isinstance(frame, AudioSegmentEnd):
            self._ready.extend([*self._performance.end(), None])
            return
        if not self._speaking:  # what silence has not shown yet must not delay the voice
            self._performance.interrupt()
            self._speaking = True
        sound = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)[:, 0]
        self._ready.extend(self._performance.speak(sound))
