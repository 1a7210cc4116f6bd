"""An avatar for LiveKit Agents: a VideoGenerator for its AvatarRunner.

    options = AvatarOptions(512, 512, 25, audio_sample_rate=24_000, audio_channels=1)
    generator = video_generator(avatar, speaker)
    runner = AvatarRunner(room, audio_recv=receiver, video_gen=generator, options=options)

Written after livekit-agents 1.8 (livekit.agents.voice.avatar).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from avatar.live.hosts.needed import needed
from avatar.live.performance import Moment, Performance
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.speaker import Speaker
from avatar.rig.avatar import Avatar

PACKAGE = "livekit-agents"
WAIT = 0.005  # seconds


def video_generator(
    avatar: Avatar, speaker: Speaker, options: PictureOptions | None = None, rate: int = 24_000
) -> Any:
    """An object of LiveKit's VideoGenerator. rate: of the agent's voice, in samples a second, as in
    AvatarOptions; its frames a second must be the speaker's, `speaker.model.fps`.

    InputError where LiveKit is not installed.
    """
    rtc = needed("livekit.rtc", PACKAGE)
    types = needed("livekit.agents.voice.avatar", PACKAGE)

    class Generator(_Generator, types.VideoGenerator):
        """LiveKit's own base class comes in only now."""

    return Generator(rtc, types.AudioSegmentEnd, avatar, speaker, options, rate)


class _Generator:
    """While nothing is said the avatar is silent and alive; LiveKit paces what it takes."""

    def __init__(
        self,
        rtc: Any,
        ended: type,
        avatar: Avatar,
        speaker: Speaker,
        options: PictureOptions | None,
        rate: int,
    ) -> None:
        self._rtc, self._ended, self._rate = rtc, ended, rate
        self._painter = PictureMaker(avatar, speaker, options)
        self._performance = Performance(speaker, rate)
        self._said: deque[Any] = deque()  # sound and ends that were not performed yet
        self._ready: deque[Moment | None] = deque()  # moments, None for the end of an utterance
        self._speaking = False
        self._busy = asyncio.Lock()

    async def push_audio(self, frame: Any) -> None:
        """Sound of the agent, or the end of what it says."""
        self._said.append(frame)

    async def clear_buffer(self) -> None:
        """Be silent now."""
        self._said.clear()
        async with self._busy:
            self._ready = deque(self._performance.interrupt())
            self._speaking = False

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            await self._more()
            moment = self._ready.popleft()
            if moment is None:
                self._speaking = False
                yield self._ended()
                continue
            picture = await asyncio.to_thread(self._painter.picture, moment.row)
            self._performance.seen(moment)
            yield self._video(picture)
            if self._speaking and len(moment.sound):
                yield self._audio(moment.sound)

    async def _more(self) -> None:
        """Wait until a moment is ready."""
        while not self._ready:
            if self._speaking and not self._said:  # a voice that is slower than it is heard
                await asyncio.sleep(WAIT)
                continue
            async with self._busy:
                await asyncio.to_thread(self._perform)

    def _perform(self) -> None:
        """The next thing that was said; silence where nothing was."""
        if not self._said:
            silence = np.zeros(self._rate // self._performance.fps, np.int16)
            self._ready.extend(self._performance.speak(silence))
            return
        frame = self._said.popleft()
        if isinstance(frame, self._ended):
            self._ready.extend([*self._performance.end(), None])
            return
        if not self._speaking:  # what silence has not shown yet must not delay the voice
            self._performance.interrupt()
            self._speaking = True
        sound = np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)[:, 0]
        self._ready.extend(self._performance.speak(sound))

    def _video(self, picture: np.ndarray) -> Any:
        height, width, _ = picture.shape
        kind = self._rtc.VideoBufferType.RGB24
        return self._rtc.VideoFrame(width, height, kind, picture.tobytes())

    def _audio(self, sound: np.ndarray) -> Any:
        return self._rtc.AudioFrame(sound.tobytes(), self._rate, 1, len(sound))
