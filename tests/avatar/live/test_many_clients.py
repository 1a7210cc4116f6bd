"""What a server on the open street sees: nonsense, doors that are opened and shut, slow takers."""

import asyncio
import json
import resource

import numpy as np
import pytest
from live_servers import Try, last_words, nonsense, opened
from websockets.asyncio.client import connect

from avatar.live.protocol import read_frames


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.soak
def test_a_thousand_messages_that_are_none(serve: Try):
    async def check(served) -> None:
        messages = [message for seed in range(34) for message in nonsense(seed)][:1000]
        assert len(messages) == 1000
        for message in messages:
            client = await opened(served)
            await client.send(message)
            sentence, code = await last_words(client)
            assert code in (1007, 1008, 1009) and (sentence or code == 1009)
        assert 0 < len(served.lines) < 200
        await (await opened(served)).close()

    serve(check, 500)


@pytest.mark.soak
def test_ten_thousand_connections_in_turn(serve: Try):
    """Some speak, some only look, some leave without a word."""

    async def one(served, number: int) -> None:
        if number % 4 == 0:
            async with connect(served.live, compression=None) as client:
                assert json.loads(await client.recv())["type"] in ("hello", "refused")
                await client.send(b"\x01" + bytes(1280))
        elif number % 4 == 1:
            host = f"Host: 127.0.0.1:{served.port}\r\n\r\n".encode()
            assert (await served.request(b"GET / HTTP/1.1\r\n" + host)).startswith(b"HTTP/1.1 200")
        else:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(b"GET /live HT" if number % 4 == 2 else b"")
            writer.close()

    async def check(served) -> None:
        for number in range(1000):
            await one(served, number)
        before = memory()
        for number in range(9000):
            await one(served, number)
        assert memory() - before < 20_000  # KiB
        await asyncio.sleep(0.2)
        await (await opened(served)).close()

    serve(check, 1200)


@pytest.mark.slow
def test_a_slow_taker_does_not_hold_the_others_up(serve: Try, voice: np.ndarray):
    """One sends sound and never reads; the other gets all of its frames."""
    pcm = (voice[: 2 * 16_000] * 32767).astype("<i2").tobytes()

    async def check(served) -> None:
        slow = await connect(served.live, compression=None, max_queue=1)
        slow.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(20):
            await slow.send(b"\x01" + pcm[:32_000])
        client, count = await opened(served), 0
        for place in range(0, len(pcm), 3200):
            await client.send(b"\x01" + pcm[place : place + 3200])
        await client.send('{"type": "finish"}')
        while count < 50:
            message = await asyncio.wait_for(client.recv(), 60)
            assert isinstance(message, bytes)
            count += len(read_frames(message).rows)
        await client.close()
        slow.transport.abort()  # type: ignore[attr-defined]

    serve(check, 120)
