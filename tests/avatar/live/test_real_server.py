"""The command itself: behind a real proxy, and when one of its processes is killed."""

import asyncio
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from live_servers import certificate, last_words
from shown_pages import serve_command
from support import ROOT, free_port, is_open
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from avatar.live.protocol import read_frames

pytestmark = pytest.mark.slow


async def speak(client: ClientConnection, voice: np.ndarray) -> int:
    """How many rows come of a second of speech."""
    await client.send(b"\x01" + (voice[:16_000] * 32767).astype("<i2").tobytes())
    await client.send('{"type": "finish"}')
    count = 0
    while count < 25:
        message = await asyncio.wait_for(client.recv(), 60)
        assert isinstance(message, bytes)
        count += len(read_frames(message))
    return count


@contextmanager
def nginx(folder: Path, to: int, ports: tuple[int, int]) -> Iterator[ssl.SSLContext]:
    """The proxy that docs/verbs/serve.md shows, and beside it one that passes Host on; what trusts
    its certificate."""
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx here (Debian: apt-get install nginx)")
    cert, key = certificate(folder)
    page = (ROOT / "docs" / "verbs" / "serve.md").read_text()
    shown = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    told = {"443": f"127.0.0.1:{ports[0]}", " cert.pem": f" {cert}", " key.pem": f" {key}"}
    block = shown[1].replace("127.0.0.1:8000", f"127.0.0.1:{to}")
    for written, meant in told.items():
        assert written in block
        block = block.replace(written, meant)
    passing = block.replace(f":{ports[0]}", f":{ports[1]}")
    passing = passing.replace("proxy_http", "proxy_set_header Host $host; proxy_http")
    config = folder / "nginx.conf"
    paths = "".join(
        f"{kind}_temp_path {folder};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}"
        f"http {{ access_log off; {paths} {block} {passing} }}"
    )
    with subprocess.Popen(["nginx", "-p", folder, "-c", config, "-e", folder / "log"]) as process:
        try:
            while not is_open(ports[1]):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield ssl.create_default_context(cafile=str(cert))
        finally:
            process.terminate()


def test_page_and_sessions_come_through_a_proxy_that_speaks_tls(tmp_path: Path, voice: np.ndarray):
    port, ports = free_port(), (free_port(), free_port())
    origins = [f"https://voice.example:{one}" for one in ports]

    async def come(address: str, at: int, trusting: ssl.SSLContext) -> None:
        origin, _, path = address.partition("/?")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", at, ssl=trusting, server_hostname="voice.example"
        )
        writer.write(f"GET /?{path} HTTP/1.1\r\nHost: voice.example:{at}\r\n\r\n".encode())
        status = await reader.readline()
        await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in status and (await reader.read(100)).startswith(b"<!doctype html>")
        writer.close()
        live = f"{origin.replace('https', 'wss')}/live?{path}"
        there = {"ssl": trusting, "host": "127.0.0.1", "port": at}
        async with connect(live, origin=origin, **there) as client:  # type: ignore[arg-type]
            assert json.loads(await client.recv())["type"] == "hello"
            assert await speak(client, voice) == 25
        for evil in ("https://evil.example", "http://voice.example", "https://voice.example"):
            with pytest.raises(InvalidStatus, match="403"):
                await connect(live, origin=evil, **there)  # type: ignore[arg-type]
        with pytest.raises(InvalidStatus, match="403"):
            await connect(live.partition("?")[0], origin=origin, **there)  # type: ignore[arg-type]

    words = ("--port", str(port), "--threads", "1", "--origin", *origins)
    with nginx(tmp_path, port, ports) as trusting, serve_command(*words) as (address, _):
        assert address.startswith(f"{origins[0]}/?token=")
        asyncio.run(asyncio.wait_for(come(address, ports[0], trusting), 120))
        second = address.replace(str(ports[0]), str(ports[1]))
        asyncio.run(asyncio.wait_for(come(second, ports[1], trusting), 120))


def computing(server: int) -> list[int]:
    """The processes in which a server's sessions compute, oldest first."""
    found = Path(f"/proc/{server}/task").glob("*/children")
    children = sorted(int(child) for text in found for child in text.read_text().split())
    return [one for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="children are found in Linux's /proc"
)
def test_a_process_that_is_killed_ends_its_sessions_alone(voice: np.ndarray):
    async def check(live: str, server: int) -> None:
        async with connect(live) as first, connect(live) as second:
            for client in (first, second):
                assert json.loads(await client.recv())["type"] == "hello"
                assert await speak(client, voice) == 25
            killed = computing(server)
            os.kill(killed[0], signal.SIGKILL)
            await first.send(b"\x01" + bytes(3200))
            died = "the process that computed has died; connect again", 1011
            assert await last_words(first) == died
            assert await speak(second, voice) == 25
            async with connect(live) as third:
                assert json.loads(await third.recv())["type"] == "hello"
                assert await speak(third, voice) == 25
            assert len(computing(server)) == 2 and killed[1] in computing(server)

    with serve_command("--port", "0", "--threads", "2") as (address, server):
        live = address.replace("http", "ws") + "live"
        asyncio.run(asyncio.wait_for(check(live, server), 180))
