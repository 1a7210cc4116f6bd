"""Calls at the server's door, without WebRTC itself."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from live_servers import PAGE, Served, last_words
from websockets.asyncio.client import connect

from avatar.live import options
from avatar.live.access_policy import AccessPolicy, Log
from avatar.live.options import ServeOptions, check_serve
from avatar.live.protocol import Refused, message_of, read_offer
from avatar.live.server import Calls, live_server
from avatar.live.speaker import Speaker
from avatar.live.workers import Workers
from avatar.page.build import video_page
from common.errors import InputError

VIDEO = video_page("A <b>")
OFFER = json.dumps(
    {"type": "offer", "sdp": "v=0\r\nm=audio 9\r\na=mid:0\r\nm=video 9\r\na=mid:1\r\n"}
)


class NoWorkers:
    """Sessions that nobody asks to compute."""

    def session(self) -> "NoWorkers":
        return self

    async def close(self) -> None:
        pass


async def answer_one(socket: Any, session: Any) -> None:
    """Takes an offer, and refuses what comes after it."""
    await socket.send(message_of("answer", sdp=read_offer(await socket.recv())))
    await socket.recv()
    raise Refused("once is enough", 1008)


def test_the_page_and_the_calls_have_their_own_places(speaker: Speaker):
    lines: list[str] = []

    async def whole() -> None:
        workers, door = cast(Workers, NoWorkers()), AccessPolicy("127.0.0.1", calls=True)
        log, calls = Log(lines.append), Calls(VIDEO, answer_one)
        async with live_server(PAGE, speaker, workers, door, 0, 1, log=log, calls=calls) as port:
            served = Served(port, lines)
            host = f"Host: 127.0.0.1:{port}\r\n\r\n".encode()
            assert (await served.request(b"GET /video HTTP/1.1\r\n" + host)).endswith(VIDEO)
            assert (await served.request(b"GET / HTTP/1.1\r\n" + host)).endswith(PAGE)
            async with connect(served.live) as client:
                assert json.loads(await client.recv())["type"] == "hello"
                full = await connect(f"ws://127.0.0.1:{port}/call")
                assert await last_words(full) == ("all 1 sessions are taken; try again later", 1013)
            await asyncio.sleep(0.1)
            client = await connect(f"ws://127.0.0.1:{port}/call")
            await client.send(OFFER)
            assert json.loads(await client.recv())["type"] == "answer"
            await client.send("{}")
            assert await last_words(client) == ("once is enough", 1008)

    asyncio.run(asyncio.wait_for(whole(), 20))
    assert lines[-1] == "refused: once is enough"


def test_the_page_holds_all_that_it_needs():
    text = VIDEO.decode()
    assert "{{" not in text and "<title>A &lt;b&gt;</title>" in text
    assert "http:" not in text and "https:" not in text.replace("over https only", "")


def test_without_its_library_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "A.ply").touch()
    monkeypatch.setattr(options, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--webrtc: .*pip install 'voicesplat\[webrtc\]'"):
        check_serve(ServeOptions(avatar=tmp_path / "A.ply", webrtc=True))
    check_serve(ServeOptions(avatar=tmp_path / "A.ply"))
