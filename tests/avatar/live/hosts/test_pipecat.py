"""The avatar in a stand-in for Pipecat's pipeline."""

import asyncio
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from speech_models import syllables

from avatar.live.hosts.pipecat import avatar_processor
from avatar.live.pictures import PictureOptions
from avatar.live.speaker import Speaker
from avatar.rig.avatar import Avatar
from common.errors import InputError

SOUND = (np.resize(syllables(2.0)[0], 48_000) * 32767).astype(np.int16)


@dataclass
class TTSAudioRawFrame:
    audio: bytes
    sample_rate: int
    num_channels: int


@dataclass
class OutputImageRawFrame:
    image: bytes
    size: tuple[int, int]
    format: str
    sync_with_audio: bool = field(default=False, init=False)


class TTSStoppedFrame:
    pass


class InterruptionFrame:
    pass


class TextFrame:
    pass


class FrameProcessor:
    def __init__(self) -> None:
        self.pushed: list[Any] = []

    async def process_frame(self, frame: Any, direction: Any) -> None:
        self.seen = frame

    async def push_frame(self, frame: Any, direction: Any) -> None:
        self.pushed.append(frame)


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch, small_avatar: Avatar, speaker: Speaker) -> Any:
    frames = ModuleType("pipecat.frames.frames")
    kinds = (TTSAudioRawFrame, OutputImageRawFrame, TTSStoppedFrame, InterruptionFrame)
    frames.__dict__.update({kind.__name__: kind for kind in kinds})
    processors = ModuleType("pipecat.processors.frame_processor")
    processors.__dict__["FrameProcessor"] = FrameProcessor
    for module in (frames, processors):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return avatar_processor(small_avatar, speaker, PictureOptions(32, 32))


def run(processor: Any, *frames: Any) -> list[Any]:
    async def whole() -> None:
        for frame in frames:
            await processor.process_frame(frame, "down")

    asyncio.run(whole())
    return processor.pushed


def spoken(sound: np.ndarray) -> list[TTSAudioRawFrame]:
    return [TTSAudioRawFrame(part.tobytes(), 24_000, 1) for part in np.array_split(sound, 9)]


def test_sound_goes_on_whole_each_piece_after_its_picture(processor: Any):
    stopped = TTSStoppedFrame()
    pushed = run(processor, *spoken(SOUND), stopped)
    sounds = [frame for frame in pushed if isinstance(frame, TTSAudioRawFrame)]
    assert b"".join(frame.audio for frame in sounds) == SOUND.tobytes()
    assert [type(f) for f in pushed[:-1]] == [OutputImageRawFrame, TTSAudioRawFrame] * 50
    assert pushed[-1] is stopped
    assert all(frame.sync_with_audio and frame.size == (32, 32) for frame in pushed[:-1:2])


def test_an_interruption_goes_on_first_then_the_mouth_shuts(processor: Any):
    interruption = InterruptionFrame()
    pushed = run(processor, *spoken(SOUND), interruption, *spoken(SOUND))
    at = pushed.index(interruption)
    assert [type(frame) for frame in pushed[at + 1 : at + 4]] == [OutputImageRawFrame] * 3
    assert not any(frame.sync_with_audio for frame in pushed[at + 1 : at + 4])
    assert pushed[at + 4].sync_with_audio


def test_other_frames_pass(processor: Any):
    frames = [TextFrame(), InterruptionFrame(), TTSStoppedFrame()]
    assert run(processor, *frames) == frames


def test_without_pipecat_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, small_avatar: Avatar, speaker: Speaker
):
    monkeypatch.setitem(sys.modules, "pipecat.frames.frames", None)
    with pytest.raises(InputError, match="pip install pipecat-ai"):
        avatar_processor(small_avatar, speaker)
