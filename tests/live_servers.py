"""A server of sessions on a real port, with a process that computes, and clients of it."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from audio2mesh import load_model
from avatar.behaviour.motion import Behaviour
from avatar.live.access_policy import AccessPolicy, Log
from avatar.live.protocol import read_frames
from avatar.live.server import live_server
from avatar.live.speaker import Speaker
from avatar.live.workers import Workers
from avatar.retarget.fitted_face import shipped_face

PAGE, PLACES = b"<p>hello", 2


@dataclass(frozen=True)
class Served:
    port: int
    lines: list[str]

    @property
    def live(self) -> str:
        return f"ws://127.0.0.1:{self.port}/live"

    async def request(self, data: bytes) -> bytes:
        """What the server answers to bytes until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer


Check = Callable[[Served], Coroutine[Any, Any, None]]
Try = Callable[..., None]
"""Of a check, and for how many seconds at most."""


def served_checks() -> Iterator[Try]:
    """A function that runs a check with a server; all share one process that computes."""
    model = load_model()
    speaker = Speaker(model, shipped_face(), model.basis, Behaviour())
    workers = Workers(speaker, 1)

    @asynccontextmanager
    async def served() -> AsyncIterator[Served]:
        lines: list[str] = []
        door = AccessPolicy("127.0.0.1")
        for worker in workers._workers:
            worker._one = asyncio.Lock()  # each check has an event loop of its own
        await workers.ready()
        async with live_server(
            PAGE, speaker, workers, door, 0, PLACES, log=Log(lines.append)
        ) as port:
            yield Served(port, lines)

    def run(check: Check, seconds: float = 60) -> None:
        async def whole() -> None:
            async with served() as found:
                await asyncio.wait_for(check(found), seconds)

        asyncio.run(whole())

    yield run
    workers.stop()


async def opened(served: Served, **more: Any) -> ClientConnection:
    client = await connect(served.live, compression=None, **more)
    assert json.loads(await client.recv())["type"] == "hello"
    return client


async def rows_of_turn(client: ClientConnection, count: int) -> np.ndarray:
    """The first rows of turn 0, at least so many, which follow each other without a gap."""
    rows: list[np.ndarray] = []
    while sum(map(len, rows)) < count:
        frames = read_frames(await client.recv())  # type: ignore[arg-type]
        assert frames.sample == 640 * sum(map(len, rows)) and frames.turn == 0
        rows.append(frames.rows)
    return np.concatenate(rows)


async def last_words(client: ClientConnection) -> tuple[str, int | None]:
    """What a client that is sent away hears, and the code of the closing."""
    sentence = ""
    with pytest.raises(ConnectionClosed):
        while True:
            said = await asyncio.wait_for(client.recv(), 20)
            if isinstance(said, str):
                sentence = json.loads(said)["sentence"]
    return sentence, client.close_code


def certificate(folder: Path, name: str = "one", *secret: str) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1 and voice.example, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with")
    cert, key = folder / f"{name}.pem", folder / f"{name}_key.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = "subjectAltName=IP:127.0.0.1,DNS:voice.example"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", names, "-days", "2"]
    files = ["-keyout", str(key), "-out", str(cert), *(secret or ["-nodes"])]
    subprocess.run([*new, *subject, *files], check=True, capture_output=True)
    return cert, key


def nonsense(seed: int) -> list[bytes | str]:
    """Messages that no session understands."""
    rng = np.random.default_rng(seed)
    words = ["", "{}", "[]", "null", '{"type": 3}', "\x00", '{"type": "interrupt", "heard": -1}']
    sizes = rng.integers(0, 300, 20)
    noise = [bytes([0x7F]) + rng.bytes(int(size)) for size in sizes]
    return [*words, *noise, b"\x01a", b"\x01" + bytes(32_002), "x" * 40_000]
