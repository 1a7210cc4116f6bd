"""The example for Pipecat in the real package: sound in, pictures out, interruptions, the end."""

import asyncio
import importlib.util
import os
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support import ROOT, write_wav

from audio2mesh import load_audio
from avatar.live.host import load_speaker
from avatar.live.options import ServeOptions
from avatar.live.pictures import PictureOptions
from avatar.live.speaker import Speaker
from avatar.rigging.avatar import Avatar
from common.assets import DEMO_AVATAR

pytest.importorskip("pipecat", reason="needs pipecat-ai, in an environment of its own")
from pipecat.frames.frames import (  # pyright: ignore[reportMissingImports]
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputImageRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # pyright: ignore
from pipecat.pipeline.worker import PipelineWorker  # pyright: ignore
from pipecat.services.settings import TTSSettings  # pyright: ignore
from pipecat.services.tts_service import TTSService  # pyright: ignore
from pipecat.transports.base_input import BaseInputTransport  # pyright: ignore
from pipecat.transports.base_output import BaseOutputTransport  # pyright: ignore
from pipecat.transports.base_transport import TransportParams  # pyright: ignore
from pipecat.workers.runner import WorkerRunner  # pyright: ignore

pytestmark = pytest.mark.slow
SIZE, RATE = 96, 24_000
PARAMS = TransportParams(
    audio_in_enabled=True,
    audio_out_enabled=True,
    audio_out_end_silence_secs=0,
    video_out_enabled=True,
    video_out_width=SIZE,
    video_out_height=SIZE,
    video_out_framerate=25,
)


class Microphone(BaseInputTransport):
    """A recording, as it would be spoken."""

    def __init__(self, path: Path) -> None:
        super().__init__(PARAMS)
        self._pcm = (load_audio(path) * 32767).astype(np.int16)

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._hearing = self.create_task(self._hear())

    async def _hear(self) -> None:
        begun = time.monotonic()
        for first in range(0, len(self._pcm), 320):
            await asyncio.sleep(max(0.0, begun + first / 16_000 - time.monotonic()))
            piece = self._pcm[first : first + 320].tobytes()
            await self.push_audio_frame(InputAudioRawFrame(piece, 16_000, 1))

    async def stop(self, frame: EndFrame) -> None:
        await self.cancel_task(self._hearing)
        await super().stop(frame)


class Voice(TTSService):
    """A synthesiser that says the recording it is given, faster than it is heard."""

    def __init__(self, sound: np.ndarray) -> None:
        nothing = TTSSettings(model=None, voice=None, language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, settings=nothing)
        self._pcm = (sound * 32767).astype(np.int16)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        for first in range(0, len(self._pcm), RATE // 2):
            piece = self._pcm[first : first + RATE // 2].tobytes()
            yield TTSAudioRawFrame(piece, RATE, 1, context_id=context_id)


@dataclass
class Seen:
    """What comes out, with times in seconds."""

    pictures: list[tuple[float, np.ndarray]] = field(default_factory=list)
    sound: list[tuple[float, bytes]] = field(default_factory=list)


class Screen(BaseOutputTransport):
    """Plays sound as slowly as it is heard."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(PARAMS)
        self._seen, self._heard = seen, 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        now = time.monotonic()
        self._seen.sound.append((now, frame.audio))
        self._heard = max(self._heard, now) + len(frame.audio) / 2 / frame.sample_rate
        await asyncio.sleep(max(0.0, self._heard - now))
        return True

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        picture = np.frombuffer(frame.image, np.uint8).reshape(frame.size[1], frame.size[0], 3)
        self._seen.pictures.append((time.monotonic(), picture.astype(int)))
        return True


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "for_pipecat", ROOT / "docs" / "examples" / "for_pipecat.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cast() -> tuple[Avatar, Speaker]:
    return load_speaker(ServeOptions(avatar=DEMO_AVATAR))


@dataclass
class Stage:
    worker: PipelineWorker
    processor: Any
    seen: Seen

    async def say(self) -> None:
        await self.worker.queue_frame(TTSSpeakFrame("what the voice says"))

    async def until(self, condition: Any, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never happened"
            await asyncio.sleep(0.005)


def played(example: ModuleType, cast: tuple[Avatar, Speaker], microphone: Path, script: Any) -> Any:
    """Run a script (a coroutine function of the stage) in a pipeline that ends by itself; what it
    returns."""

    async def whole() -> Any:
        seen = Seen()
        sound = np.resize(load_audio(microphone, RATE), 3 * RATE)
        processor = example.AvatarProcessor(*cast, PictureOptions(SIZE, SIZE))
        pipeline = Pipeline([Microphone(microphone), Voice(sound), processor, Screen(seen)])
        worker = PipelineWorker(pipeline, cancel_on_idle_timeout=False, enable_rtvi=False)
        started = asyncio.Event()
        worker.event_handler("on_pipeline_started")(lambda *_: started.set())
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)

        async def perform() -> Any:
            await started.wait()
            found = await script(Stage(worker, processor, seen))
            await worker.queue_frame(EndFrame())
            return found

        _, found = await asyncio.gather(runner.run(), perform())
        return found

    return asyncio.run(asyncio.wait_for(whole(), 240))


@pytest.fixture(scope="module")
def microphone(voice: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute: the demo voice again and again."""
    return write_wav(tmp_path_factory.mktemp("sound") / "other.wav", np.resize(voice, 60 * 16_000))


def moved(pictures: list[tuple[float, np.ndarray]]) -> float:
    """Levels by which a pixel changes at most."""
    return float(np.ptp(np.stack([picture for _, picture in pictures]), axis=0).max())


def mouth(pictures: list[tuple[float, np.ndarray]]) -> np.ndarray:
    return np.stack([picture[58:72, 36:60] for _, picture in pictures])


def test_it_listens_speaks_with_its_sound_and_ends(
    example: ModuleType, cast: tuple[Avatar, Speaker], microphone: Path
):
    async def script(stage: Stage) -> tuple[Seen, int]:
        await stage.until(lambda: len(stage.seen.pictures) > 75)
        listening = len(stage.seen.pictures)
        assert not stage.seen.sound
        await stage.say()
        await stage.until(lambda: stage.seen.sound)
        await stage.until(lambda: not stage.processor._speaking)
        return stage.seen, listening

    seen, listening = played(example, cast, microphone, script)
    assert moved(seen.pictures[:listening]) > 20  # it blinks, at least
    begun = seen.sound[0][0]
    spoken = [each for each in seen.pictures if begun + 0.2 < each[0] < begun + 2.8]
    still = np.abs(np.diff(mouth(seen.pictures[:listening]), axis=0)).mean()
    assert np.abs(np.diff(mouth(spoken), axis=0)).mean() > 2 * still
    heard = np.frombuffer(b"".join(piece for _, piece in seen.sound), np.int16)
    assert abs(len(heard) - 3 * RATE) <= RATE * 0.05 and np.abs(heard).max() > 3000


def test_barge_in_shuts_the_mouth_within_120_ms(
    example: ModuleType, cast: tuple[Avatar, Speaker], microphone: Path
):
    """Fifty interruptions; shut: the processor has sent the last picture of the closing mouth."""
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("this machine has other work, which would be measured as well")

    async def script(stage: Stage) -> list[float]:
        processor, times, shut = stage.processor, [], asyncio.Event()
        usual = processor._show

        async def show(timed: list[Any], context: str | None = None) -> None:
            await usual(timed, context)
            if timed and timed[-1].frame == -1:
                assert not timed[-1].row[: len(cast[1].mouth_names)].any()
                shut.set()

        processor._show = show
        for number in range(50):
            wanted = len(stage.seen.sound) + 5 + number % 9
            await stage.say()
            await stage.until(lambda wanted=wanted: len(stage.seen.sound) > wanted)
            shut.clear()
            begun = time.monotonic()
            await stage.worker.queue_frame(InterruptionFrame())
            await asyncio.wait_for(shut.wait(), 5)
            shown = await displayed(stage, time.monotonic())
            times.append(shown - begun)
            assert not processor._speaking
        return times

    times = played(example, cast, microphone, script)
    assert np.percentile(times, 95) <= 0.12, sorted(times)[-5:]


async def displayed(stage: Stage, sent: float) -> float:
    """When the first picture is drawn that was sent before."""
    await stage.until(lambda: stage.seen.pictures and stage.seen.pictures[-1][0] > sent)
    return next(at for at, _ in stage.seen.pictures if at > sent)
