"""The avatar in a stand-in for LiveKit's runner: as its VideoGenerator is called."""

import asyncio
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from speech_models import syllables

from avatar.live.hosts.livekit import video_generator
from avatar.live.pictures import PictureOptions
from avatar.live.speaker import Speaker
from avatar.rig.avatar import Avatar
from common.errors import InputError

RATE = 24_000
SOUND = (np.resize(syllables(2.0)[0], 2 * RATE) * 32767).astype(np.int16)


class Kind(Enum):
    RGB24 = 4


@dataclass
class AudioFrame:
    data: Any
    sample_rate: int
    num_channels: int
    samples_per_channel: int


@dataclass
class VideoFrame:
    width: int
    height: int
    type: Kind
    data: bytes


class AudioSegmentEnd:
    pass


class VideoGenerator(ABC):
    @abstractmethod
    async def push_audio(self, frame: Any) -> None: ...

    @abstractmethod
    def clear_buffer(self) -> Any: ...

    @abstractmethod
    def __aiter__(self) -> Any: ...


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> None:
    rtc, avatar = ModuleType("livekit.rtc"), ModuleType("livekit.agents.voice.avatar")
    rtc.__dict__.update(AudioFrame=AudioFrame, VideoFrame=VideoFrame, VideoBufferType=Kind)
    avatar.__dict__.update(VideoGenerator=VideoGenerator, AudioSegmentEnd=AudioSegmentEnd)
    for module in (rtc, avatar):
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.fixture
def generator(livekit: None, small_avatar: Avatar, speaker: Speaker) -> Any:
    return video_generator(small_avatar, speaker, PictureOptions(32, 32))


def pieces(sound: np.ndarray) -> list[AudioFrame]:
    parts = np.split(sound, range(480, len(sound), 480))
    return [AudioFrame(part.data, RATE, 1, len(part)) for part in parts]


async def take(frames: Any, count: int) -> list[Any]:
    return [await anext(frames) for _ in range(count)]


def test_it_is_livekits_generator(generator: Any):
    assert isinstance(generator, VideoGenerator)


def test_silence_is_shown_without_sound(generator: Any):
    async def run() -> list[Any]:
        return await take(aiter(generator), 4)

    frames = asyncio.run(run())
    assert all(isinstance(frame, VideoFrame) and len(frame.data) == 32 * 32 * 3 for frame in frames)


def test_an_utterance_comes_back_whole_between_pictures(generator: Any):
    async def run() -> list[Any]:
        frames, got = aiter(generator), []
        await take(frames, 3)
        for piece in [*pieces(SOUND), AudioSegmentEnd()]:
            await generator.push_audio(piece)
        while not got or not isinstance(got[-1], AudioSegmentEnd):
            got.append(await anext(frames))
        return [*got, *await take(frames, 2)]

    got = asyncio.run(run())
    sounds = [frame for frame in got if isinstance(frame, AudioFrame)]
    first = next(n for n, frame in enumerate(got) if isinstance(frame, AudioFrame))
    assert np.array_equal(np.concatenate([np.frombuffer(f.data, np.int16) for f in sounds]), SOUND)
    assert all(frame.samples_per_channel == 960 for frame in sounds)
    spoken = got[first - 1 : first - 1 + 2 * len(sounds)]
    assert [type(frame) for frame in spoken] == [VideoFrame, AudioFrame] * len(sounds)
    assert [type(frame) for frame in got[-2:]] == [VideoFrame] * 2


def test_a_cleared_buffer_is_silent_at_once(generator: Any):
    async def run() -> list[Any]:
        frames = aiter(generator)
        for piece in pieces(SOUND):
            await generator.push_audio(piece)
        await take(frames, 30)
        await generator.clear_buffer()
        return await take(frames, 10)

    assert all(isinstance(frame, VideoFrame) for frame in asyncio.run(run()))


def test_without_livekit_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, small_avatar: Avatar, speaker: Speaker
):
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)
    with pytest.raises(InputError, match="pip install livekit-agents"):
        video_generator(small_avatar, speaker)
