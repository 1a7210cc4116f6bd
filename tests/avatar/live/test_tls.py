"""https and wss with a certificate that the test makes."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import cast

import pytest
from live_servers import PAGE, certificate
from websockets.asyncio.client import connect

from avatar.live import server
from avatar.live.access_policy import AccessPolicy
from avatar.live.host import tls_of
from avatar.live.options import ServeOptions
from avatar.live.server import live_server
from avatar.live.speaker import Speaker
from avatar.live.workers import Workers
from common.errors import InputError


class NoWorkers:
    """Sessions that compute nothing, so that no process is started."""

    def session(self) -> "NoWorkers":
        return self

    async def close(self) -> None:
        pass


def options(cert: Path, key: Path) -> ServeOptions:
    return ServeOptions(avatar=Path("A.ply"), cert=cert, key=key)


def test_page_and_sessions_come_by_tls_alone(speaker: Speaker, tmp_path: Path):
    cert, key = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(cert))
    door = AccessPolicy("127.0.0.1", "a-token-of-16-letters", True)

    async def fetched(port: int, tls: ssl.SSLContext | None) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        writer.write(
            f"GET /?token={door.token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        )
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def whole() -> None:
        workers, tls = cast(Workers, NoWorkers()), tls_of(options(cert, key))
        async with live_server(PAGE, speaker, workers, door, 0, 1, tls) as port:
            assert door.address(port).startswith("https://127.0.0.1:")
            assert (await fetched(port, trusting)).endswith(PAGE)
            assert PAGE not in await fetched(port, None)
            with pytest.raises(ssl.SSLCertVerificationError):
                await fetched(port, ssl.create_default_context())
            address = f"wss://127.0.0.1:{port}/live?token={door.token}"
            async with connect(address, ssl=trusting, compression=None) as client:
                assert json.loads(await client.recv())["type"] == "hello"

    asyncio.run(whole())


def test_who_never_ends_the_handshake_is_counted_and_cut(
    speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cert, key = certificate(tmp_path)
    trusting, tls = ssl.create_default_context(cafile=str(cert)), tls_of(options(cert, key))
    monkeypatch.setattr(server, "HASTY", 1.5)
    monkeypatch.setattr(server, "PER_ADDRESS", 2)  # beside the one session
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of a handshake

    async def whole() -> None:
        workers, door = cast(Workers, NoWorkers()), AccessPolicy("127.0.0.1", secure=True)
        async with live_server(PAGE, speaker, workers, door, 0, 1, tls) as port:
            waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            waiting[0][1].write(hello)
            waiting[1][1].write(b"GET / HTTP/1.1\r\n\r\n")  # its place becomes free
            assert await asyncio.wait_for(waiting[1][0].read(), 1) is not None
            waiting[1] = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises(ConnectionError):
                await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            for reader, _ in waiting:
                assert await asyncio.wait_for(reader.read(), 3) == b""
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert (await reader.read()).endswith(PAGE)
            writer.close()

    asyncio.run(asyncio.wait_for(whole(), 20))


def test_what_is_no_certificate_and_its_key_is_told_in_one_sentence(tmp_path: Path):
    cert, key = certificate(tmp_path)
    other, _ = certificate(tmp_path, "other")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nnothing\n")
    locked = certificate(tmp_path, "locked", "-passout", "pass:secret")
    for pair in ((other, key), (nonsense, key), (cert, nonsense), (key, cert), locked):
        with pytest.raises(InputError, match="are no certificate and its key"):
            tls_of(options(*pair))
