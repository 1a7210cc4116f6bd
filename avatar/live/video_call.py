"""A call over WebRTC: a microphone's sound comes in, and goes out with pictures of the avatar that
speaks it. Needs the extra `webrtc`."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

import numpy as np
import soxr
from aiortc import (  # pyright: ignore[reportMissingImports]
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError  # pyright: ignore[reportMissingImports]
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from audio2mesh.sound import SAMPLE_RATE
from avatar.live.connection import Socket, SpeechSession, converse, first_of
from avatar.live.lip_sync import RATE, LipSync, Microphone, TimedRow, video_frame
from avatar.live.pictures import Painter
from avatar.live.protocol import LONGEST, SOUND, Refused, message_of, read_frames, read_offer

SPARE = 0.2
"""Seconds for computing and drawing, beyond the look-ahead of speech."""
BEHIND = 0.8
"""Seconds of sound that may wait to be computed."""
HASTY = 10.0
"""Seconds in which a client must have made its offer."""


class DrawingSession(SpeechSession, Painter, Protocol):
    """The used part of a session that draws."""


class Outgoing(MediaStreamTrack):
    """A queue of frames that drops the oldest where it is full."""

    def __init__(self, kind: str, capacity: int) -> None:
        """kind: audio or video; capacity: frames that may wait."""
        super().__init__()
        self.kind = kind
        self._frames: asyncio.Queue[AudioFrame | VideoFrame] = asyncio.Queue(capacity)

    def put(self, frame: AudioFrame | VideoFrame) -> None:
        if self._frames.full():
            self._frames.get_nowait()
        self._frames.put_nowait(frame)

    async def recv(self) -> AudioFrame | VideoFrame:
        return await self._frames.get()


class Ear:
    """The socket of a conversation: it delivers the microphone's sound and receives the rows."""

    def __init__(self, sync: LipSync) -> None:
        self._sync, self._pcm, self._began = sync, bytearray(), False
        self._heard, self._news = asyncio.Event(), asyncio.Event()

    def hear(self, pcm: bytes) -> None:
        """Add sound of the microphone, int16 at SAMPLE_RATE."""
        self._pcm += pcm
        self._news.set()
        if self._pcm:
            self._heard.set()

    async def recv(self) -> str | bytes:
        if not self._began:
            self._began = True
            return message_of("keep-up", behind=BEHIND)
        await self._heard.wait()
        piece = bytes(self._pcm[: 2 * LONGEST])
        del self._pcm[: 2 * LONGEST]
        if not self._pcm:
            self._heard.clear()
        return bytes([SOUND]) + piece

    async def send(self, message: str | bytes, /) -> None:
        if isinstance(message, bytes):  # of what was skipped, the next frames' times tell
            self._sync.expect(read_frames(message))
            self._news.set()

    async def news(self) -> None:
        """Until sound or rows come."""
        self._news.clear()
        await self._news.wait()


async def answer_call(socket: Socket, session: DrawingSession, latency: float, fps: int) -> None:
    """Answer the offer, then converse until the client hangs up, which closes the socket. Raises
    Refused, and whatever the socket raises when it is closed.

    latency: of the session, in seconds; fps: of its rows.
    """
    sound, video = Outgoing("audio", 50), Outgoing("video", 1)
    sync = LipSync(latency + SPARE, fps)
    ear = Ear(sync)
    for name in ("aiortc", "aioice"):  # what a client does wrong is not to fill the disk
        logging.getLogger(name).setLevel(logging.CRITICAL)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # else it asks one of Google's
    lost = asyncio.Event()

    @peer.on("connectionstatechange")
    def changed() -> None:
        if peer.connectionState in ("failed", "closed"):
            lost.set()

    try:
        microphone = await _connected(socket, peer, sound, video)
        await first_of(
            converse(ear, session),
            _listen(microphone, ear, sync, sound),
            _show(ear, sync, session, video),
            _hang_up(socket),
            _lose(lost),
        )
    finally:
        with suppress(AttributeError):  # what a strange offer has left half made
            await peer.close()


async def _connected(
    socket: Socket, peer: RTCPeerConnection, sound: Outgoing, video: Outgoing
) -> MediaStreamTrack:
    """The microphone's track, when the offer was answered."""
    try:
        offer = read_offer(await asyncio.wait_for(socket.recv(), HASTY))
    except TimeoutError:
        raise Refused(f"no offer came in {HASTY:.0f} s", 1008) from None
    try:
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for track in (sound, video):
            peer.addTrack(track)
        heard, shown = sorted(peer.getTransceivers(), key=lambda one: one.kind)
        shown.direction = "sendonly"  # a camera is not decoded
        await peer.setLocalDescription(await peer.createAnswer())
    except Exception:  # a parser of others' text, which raises what it likes
        raise Refused("the offer cannot be answered: is it a browser's, unchanged?", 1008) from None
    if heard.receiver.track is None:
        raise Refused("the offer must send the sound of a microphone", 1008)
    await socket.send(message_of("answer", sdp=peer.localDescription.sdp))
    return heard.receiver.track


async def _listen(track: MediaStreamTrack, ear: Ear, sync: LipSync, sound: Outgoing) -> None:
    """Feed sound to the session and send delayed sound, until the track ends."""
    microphone, resampler = Microphone(), soxr.ResampleStream(RATE, SAMPLE_RATE, 1, "int16")
    while True:
        try:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            heard = microphone.hear(frame)
        except MediaStreamError:
            return
        except ValueError:
            raise Refused("the microphone's sound must stay of one kind", 1008) from None
        for piece in sync.hear(heard):
            sound.put(piece)
        ear.hear(resampler.resample_chunk(heard).tobytes())


async def _show(ear: Ear, sync: LipSync, session: DrawingSession, video: Outgoing) -> None:
    """Draw row after row, ahead of time where possible."""
    while True:
        drawn = await _draw(sync, session)
        if drawn is None:
            await ear.news()
            continue
        row, picture = drawn
        while not sync.is_due(row):
            await ear.news()
        video.put(video_frame(picture, row.sample))


async def _draw(
    sync: LipSync, session: DrawingSession
) -> tuple[TimedRow, NDArray[np.uint8]] | None:
    async with session.drawing():  # others' turns are waited for before it is known what is next
        row = sync.next_row()
        return None if row is None else (row, await session.picture(row.row))


async def _hang_up(socket: Socket) -> None:
    await socket.recv()
    raise Refused("a call takes one offer and nothing else; close the connection to end it", 1008)


async def _lose(lost: asyncio.Event) -> None:
    await lost.wait()
    raise Refused("the connection for sound and pictures could not be made, or was lost", 1011)
