"""A call between two peers in this process: pictures and sound come back, in time with each other."""

import asyncio
import json
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray
from speech_models import syllables

from avatar.live.lip_sync import PIECE, RATE, sound_frame
from avatar.live.pictures import PictureMaker, PictureOptions
from avatar.live.protocol import Refused, samples_of
from avatar.live.session import Frames, Session
from avatar.live.speaker import Speaker
from avatar.rig.avatar import Avatar

aiortc = pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
SECONDS = 2.0
"""Of the call; the sound comes back after the session's latency and 0.2 s."""


class Here:
    """A session that computes and draws in threads of this process, and keeps what it drew."""

    def __init__(self, avatar: Avatar, speaker: Speaker) -> None:
        self.session = Session(speaker)
        self.painter = PictureMaker(avatar, speaker, PictureOptions(64, 64))
        self.frames: list[Frames] = []

    @asynccontextmanager
    async def turn(self):
        yield

    async def push(self, pcm: bytes) -> Frames:
        self.frames.append(await asyncio.to_thread(self.session.push, samples_of(pcm)))
        return self.frames[-1]

    async def skip(self, samples: int) -> None:
        self.session.skip(samples)

    async def interrupt(self, turn: int | None, heard: int) -> Frames:
        raise AssertionError

    async def finish(self) -> Frames:
        raise AssertionError

    async def picture(self, row: NDArray[np.float32]) -> NDArray[np.uint8]:
        return await asyncio.to_thread(self.painter.picture, row)

    def pictures(self) -> dict[int, NDArray[np.uint8]]:
        """Of all rows, by the sample at which they begin."""
        rows = [(f.sample + 640 * n, row) for f in self.frames for n, row in enumerate(f.rows)]
        return {sample: self.painter.picture(row) for sample, row in rows}


class Wire:
    """One end of a WebSocket without a network."""

    def __init__(self, there: asyncio.Queue, back: asyncio.Queue) -> None:
        self._there, self._back = there, back

    async def send(self, message: str | bytes, /) -> None:
        await self._there.put(message)

    async def recv(self) -> Any:
        return await self._back.get()


def wires() -> tuple[Wire, Wire]:
    one, other = asyncio.Queue(), asyncio.Queue()
    return Wire(one, other), Wire(other, one)


class Speaking(aiortc.MediaStreamTrack):
    """A microphone before which somebody speaks, in real time."""

    kind = "audio"

    def __init__(self, sound: np.ndarray) -> None:
        super().__init__()
        self._sound, self._sent, self._begun = sound, 0, 0.0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._begun = self._begun or loop.time()
        await asyncio.sleep(self._begun + self._sent / RATE - loop.time())
        piece = np.resize(self._sound, RATE * 60)[self._sent : self._sent + PIECE]
        frame = sound_frame(piece, self._sent)
        self._sent += PIECE
        return frame


async def gather(track: Any, frames: list[Any]) -> None:
    while True:
        frames.append(await track.recv())


async def called(wire: Wire, sound: np.ndarray) -> tuple[list[VideoFrame], list[AudioFrame]]:
    """What comes back in some seconds."""
    pictures, sounds = [], []
    peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    peer.addTrack(Speaking(sound))
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    await wire.send(json.dumps({"type": "offer", "sdp": peer.localDescription.sdp}))
    told = json.loads(await wire.recv())
    assert told["type"] == "answer" and "VP8" in told["sdp"] and "a=sendonly" in told["sdp"]
    await peer.setRemoteDescription(aiortc.RTCSessionDescription(told["sdp"], "answer"))
    tracks = {receiver.track.kind: receiver.track for receiver in peer.getReceivers()}
    tasks = [
        asyncio.create_task(gather(tracks[kind], kept))
        for kind, kept in (("video", pictures), ("audio", sounds))
    ]
    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await peer.close()
    return pictures, sounds


def test_what_is_said_comes_back_with_pictures(small_avatar: Avatar, speaker: Speaker):
    from avatar.live.video_call import answer_call  # noqa: PLC0415  needs the extra

    said = np.repeat((syllables(SECONDS)[0] * 16_000).astype(np.int16), 3)
    here = Here(small_avatar, speaker)

    async def run() -> tuple[list[VideoFrame], list[AudioFrame]]:
        mine, theirs = wires()
        call = asyncio.create_task(answer_call(theirs, here, here.session.latency, 25))
        back = await called(mine, said)
        with pytest.raises(Refused, match="lost|ended"):
            await asyncio.wait_for(call, 5)
        return back

    pictures, sounds = asyncio.run(run())
    drawn = here.pictures()
    times = [int(frame.pts * frame.time_base * 16_000) for frame in pictures]  # type: ignore[operator]
    print(len(pictures), len(sounds), here.session.latency, times)
    same = [psnr(f.to_ndarray(format="rgb24"), drawn[at]) for f, at in zip(pictures, times, strict=True)]
    print(same)
    assert 0


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(((a / 255.0 - b / 255.0) ** 2).mean()))
