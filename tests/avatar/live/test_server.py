"""The server on a real port: what it serves and whom it refuses."""

import asyncio
import os
import socket
import time
from contextlib import suppress
from multiprocessing import active_children

import numpy as np
import pytest
import torch
from live_servers import PAGE, PLACES, Served, Try, last_words, nonsense, opened, rows_of_turn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from audio2mesh import load_model
from audio2mesh.model.live import LiveMotion
from avatar.live.protocol import Refused, read_frames
from avatar.live.server import PER_ADDRESS
from avatar.live.speaker import Speaker
from avatar.live.workers import WINDOW, Workers


def test_what_is_spoken_comes_back_as_motion(serve: Try, voice: np.ndarray):
    pcm = (voice[:32_000] * 32767).astype("<i2")
    model = load_model()
    motion, mouth = LiveMotion(model), len(model.basis)
    heard = pcm.astype(np.float32) / 32768
    expected = torch.cat([motion.push(heard), motion.finish()])

    async def check(served: Served) -> None:
        client = await opened(served)
        for i in range(0, len(pcm), 640):
            await client.send(b"\x01" + pcm[i : i + 640].tobytes())
        await client.send('{"type": "finish"}')
        made = await rows_of_turn(client, 50)
        await client.send('{"type": "interrupt", "turn": 0, "heard": 16000}')
        shut = read_frames(await client.recv())  # type: ignore[arg-type]
        assert shut.turn == 2 and not shut.rows[-1, :mouth].any()
        assert np.allclose(made[5:, :mouth], expected[5:].numpy(), atol=1e-4)
        await client.close()

    serve(check)


def test_what_is_heard_comes_back_as_listening_with_a_shut_mouth(serve: Try, voice: np.ndarray):
    pcm, mouth = (voice[:32_000] * 32767).astype("<i2"), len(load_model().basis)

    async def check(served: Served) -> None:
        client = await opened(served)
        for i in range(0, len(pcm), 640):
            await client.send(b"\x02" + pcm[i : i + 640].tobytes())
        await client.send('{"type": "finish"}')
        made = await rows_of_turn(client, 50)
        assert not made[:, :mouth].any() and np.ptp(made[:, mouth:], axis=0).max() > 0.01
        await client.close()

    serve(check)


def test_one_too_many_is_told_so_and_a_place_becomes_free(serve: Try):
    async def check(served: Served) -> None:
        clients = [await opened(served) for _ in range(PLACES)]
        refused = await connect(served.live)
        assert await last_words(refused) == ("all 2 sessions are taken; try again later", 1013)
        await clients[0].close()
        await asyncio.sleep(0.1)
        await (await opened(served)).close()
        assert served.lines == ["refused: all 2 sessions are taken; try again later"]
        await clients[1].close()

    serve(check)


def test_a_machine_that_cannot_keep_up_takes_nobody_else(speaker: Speaker):
    workers = Workers(speaker, 2)
    first, second = workers.session(), workers.session()
    now, (one, other) = time.monotonic(), (first._worker, second._worker)
    assert one is not other and one.has_room()
    one._computed.append((now - WINDOW - 9, now - 0.4 * WINDOW))
    assert 0.55 < one.load() < 0.62 and not one.has_room()
    other._computed.append((now - 0.5 * WINDOW, now))
    with pytest.raises(Refused, match="too busy for another session"):
        workers.session()
    one._computed.clear()
    assert workers.session()._worker is one
    one._computed.append((now - 0.58 * WINDOW, now))
    assert one.has_room()  # two sessions take 0.58, a third makes it 0.87


def test_the_page_and_nothing_else(serve: Try):
    async def check(served: Served) -> None:
        host = f"Host: 127.0.0.1:{served.port}\r\n\r\n".encode()
        page = await served.request(b"GET / HTTP/1.1\r\n" + host)
        assert page.startswith(b"HTTP/1.1 200") and page.endswith(PAGE) and b"nosniff" in page
        assert (await served.request(b"GET /x HTTP/1.1\r\n" + host)).startswith(b"HTTP/1.1 404")
        assert (await served.request(b"POST / HTTP/1.1\r\n" + host)).startswith(b"HTTP/1.1 405")
        other = await served.request(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert other.startswith(b"HTTP/1.1 403") and b"this machine alone" in other
        assert b"Python" not in page and b"websockets" not in page
        with pytest.raises(InvalidStatus):
            await connect(served.live, origin="http://evil.example")  # type: ignore[arg-type]
        assert any("Another site" in line for line in served.lines)

    serve(check)


def test_nonsense_is_answered_with_a_sentence_and_a_closed_door(serve: Try):
    async def check(served: Served) -> None:
        for message in nonsense(0):
            client = await opened(served)
            await client.send(message)
            sentence, code = await last_words(client)
            assert code in (1007, 1008, 1009) and (sentence or code == 1009)
        assert all(line.startswith("refused: ") for line in served.lines) and served.lines
        await (await opened(served)).close()

    serve(check)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"G" * 100_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_no_requests_at_all_leave_the_server_up(serve: Try, data: bytes):
    async def check(served: Served) -> None:
        for _ in range(3):
            one = socket.create_connection(("127.0.0.1", served.port))
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            one.close()
        await (await opened(served)).close()

    serve(check)


def test_a_half_closed_or_cut_connection_frees_its_place(serve: Try):
    async def check(served: Served) -> None:
        for cut in (False, True):
            clients = [await opened(served) for _ in range(PLACES)]
            for client in clients:
                await client.send(b"\x01" + bytes(3200))
                client.transport.abort() if cut else client.transport.write_eof()  # type: ignore[attr-defined]
            await asyncio.sleep(0.3)
        await (await opened(served)).close()

    serve(check)


def test_one_address_cannot_take_all_connections(serve: Try):
    async def check(served: Served) -> None:
        taken = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(PER_ADDRESS)]
        clients = [await opened(served) for _ in range(PLACES)]
        with pytest.raises((ConnectionError, InvalidMessage)):
            await connect(served.live)
        host = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", served.port, local_addr=("127.0.0.2", 0)
        )
        writer.write(host)
        assert (await reader.read()).endswith(PAGE)
        writer.close()
        for one in taken:
            one.close()
        for client in clients:
            await client.close()

    serve(check)


def test_a_number_that_a_client_chooses_makes_no_new_line_of_the_log(serve: Try):
    async def check(served: Served) -> None:
        for length in (40_000, 50_000):
            client = await opened(served)
            await client.send(bytes(length))
            assert (await last_words(client))[1] == 1009
        await asyncio.sleep(0.2)
        assert served.lines == ["refused: a message that is too long"]

    serve(check)


def test_a_process_that_dies_is_replaced_and_its_sessions_are_told(serve: Try):
    """Also those that say nothing until the process has been replaced; those that come later, even
    before anybody has noticed, are not."""
    died = "the process that computed has died; connect again", 1011

    async def check(served: Served) -> None:
        first, second = [await opened(served) for _ in range(PLACES)]
        for client in (first, second):
            await client.send(b"\x01" + bytes(16_000))
            assert len(read_frames(await client.recv()).rows)  # type: ignore[arg-type]
        await asyncio.sleep(0.5)
        for process in active_children():
            process.kill()
        for client in (first, second):
            with suppress(ConnectionClosed):  # whoever is computed for is told at once
                await client.send(b"\x01" + bytes(3200))
            assert await last_words(client) == died
        for _ in range(2):
            await asyncio.sleep(0.5)
            again = await opened(served)
            await again.send(b"\x01" + bytes(16_000))
            assert len(read_frames(await again.recv()).rows)  # type: ignore[arg-type]
            await again.close()
            for process in active_children():
                process.kill()

    serve(check)


@pytest.mark.slow
def test_barge_in_shuts_the_mouth_within_120_ms(serve: Try, voice: np.ndarray):
    """Fifty times while it speaks: from the message to the display of the last frame sent."""
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("this machine has other work, which would be measured as well")
    pcm, mouth = (voice[:64_000] * 32767).astype("<i2"), len(load_model().basis)

    async def one(served: Served, count: int) -> float:
        client = await opened(served)
        await client.send(b"\x01" + pcm[:16_000].tobytes())
        frames = read_frames(await client.recv())  # type: ignore[arg-type]
        for i in range(16_000, 16_000 + 640 * count, 640):
            await client.send(b"\x01" + pcm[i : i + 640].tobytes())
            await asyncio.sleep(0.04)
        begun = time.perf_counter()
        await client.send('{"type": "interrupt"}')
        while frames.turn == 0:
            frames = read_frames(await client.recv())  # type: ignore[arg-type]
        assert not frames.rows[-1, :mouth].any()
        await client.close()
        return time.perf_counter() - begun + (len(frames) - 1) / 25

    async def check(served: Served) -> None:
        times = [await one(served, number % 5) for number in range(50)]
        assert np.percentile(times, 95) <= 0.12, times

    serve(check)
