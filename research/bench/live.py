"""How late the frames of many sessions come, and what that costs, with a server of its own."""

import asyncio
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from audio2mesh import load_audio
from audio2mesh.sound import SAMPLE_RATE
from avatar.live.protocol import SOUND, read_frames

BLOCK = 640  # samples that a client sends at a time
KEEP_UP = '{"type": "keep-up", "behind": 0.8}'  # as the page says it for a microphone
SERVE = (sys.executable, "-m", "configs.cli", "serve", "--port", "0", "--no-browser")
SETTLED = 5.0
"""Seconds after which latencies count: at first nothing is in the caches."""


@dataclass(frozen=True)
class SessionTimes:
    """Of clients that all speak at once."""

    late: NDArray[np.float64]  # seconds from a frame's start to its arrival, of all pieces
    skipped: float  # share of the sound that the server did not show, to keep up
    share: float  # seconds of one core's time per second of one client's sound
    memory_mb: tuple[float, float]  # of the server's processes, after a quarter and at the end


def measure_sessions(avatar: Path, voice: Path, clients: int, seconds: float) -> SessionTimes:
    """Let clients say a voice, each from another place in it, for so long, in real time."""
    sound = (load_audio(voice) * 32767).astype("<i2")
    command = [*SERVE, "--avatar", str(avatar), "--sessions", str(clients)]
    with Popen(command, stdout=PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[4].rstrip(";").replace("http", "ws") + "live"
        idle, memory = _cpu_seconds(server.pid), []
        found = asyncio.run(
            _all(address, sound, clients, seconds, lambda: memory.append(_memory(server.pid)))
        )
        spent = _cpu_seconds(server.pid) - idle
        server.send_signal(signal.SIGINT)
        server.wait()
    late, skipped = found
    said = seconds * clients
    memories = (memory[0], memory[1])
    return SessionTimes(np.array(late), skipped / said, spent / said, memories)


async def _all(
    address: str, sound: NDArray, clients: int, seconds: float, look: Callable[[], None]
) -> tuple[list[float], float]:
    """How late each piece of frames came, and how many seconds of sound were skipped."""
    late: list[float] = []
    skipped: list[float] = []
    said = [np.roll(sound, -k * len(sound) // clients) for k in range(clients)]
    tasks = [asyncio.create_task(_speak(address, one, seconds, late, skipped)) for one in said]
    await asyncio.sleep(seconds / 4)
    look()
    await asyncio.sleep(0.7 * seconds)
    look()
    await asyncio.gather(*tasks)
    return late, sum(skipped)


async def _speak(
    address: str, sound: NDArray, seconds: float, late: list[float], skipped: list[float]
) -> None:
    async with connect(address, compression=None) as socket:
        await socket.recv()
        await socket.send(KEEP_UP)
        begun = time.monotonic()

        async def read() -> None:
            async for message in socket:
                if isinstance(message, str):
                    skipped.append(json.loads(message)["samples"] / SAMPLE_RATE)
                    continue
                spoken = read_frames(message).sample / SAMPLE_RATE
                if spoken > SETTLED:
                    late.append(time.monotonic() - begun - spoken)

        reader = asyncio.create_task(read())
        for block in range(int(seconds * SAMPLE_RATE / BLOCK)):
            await asyncio.sleep(begun + (block + 1) * BLOCK / SAMPLE_RATE - time.monotonic())
            place = block * BLOCK % (len(sound) - BLOCK)
            await socket.send(bytes([SOUND]) + sound[place : place + BLOCK].tobytes())
        await asyncio.sleep(1)
        reader.cancel()


def _tree(process: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _memory(process: int) -> float:
    """MiB that a process and its children hold."""
    pages = (int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in _tree(process))
    return sum(pages) * resource.getpagesize() / 2**20


def _cpu_seconds(process: int) -> float:
    """That a process and its children have computed."""
    fields = (
        Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split() for p in _tree(process)
    )
    return sum(int(field[11]) + int(field[12]) for field in fields) / 100
