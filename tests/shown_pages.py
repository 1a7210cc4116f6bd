"""A page in a browser, and what it shows."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from chromium import Tab, chromium
from support import ROOT

from avatar.avatar_io.avatar_file import load_avatar
from avatar.live.server import host_page
from avatar.retarget.fitted_face import Face
from avatar.rigging.avatar import Avatar

DEMO, VOICE = ROOT / "assets" / "demo_avatar.ply", ROOT / "assets" / "demo_voice.flac"

_COUNT = len(load_avatar(DEMO).gaussians.means)
LIGHTS = {"golden-hour": np.random.default_rng(0).integers(0, 256, (_COUNT, 3)).astype(np.uint8)}
"""Of a page: what a light would make of each of the demo avatar's Gaussians."""


@dataclass(frozen=True)
class Shown:
    """A page in a browser, and what it shows."""

    tab: Tab
    avatar: Avatar
    face: Face
    file: Path


@contextmanager
def served(page: bytes) -> Iterator[str]:
    """The address at which a page is served as `voicesplat view` does."""
    address: Future[str] = Future()
    loop = asyncio.new_event_loop()
    serving = loop.create_task(host_page(page, 0, address.set_result))
    thread = Thread(target=loop.run_until_complete, args=(asyncio.wait([serving]),))
    thread.start()
    try:
        yield address.result(10)
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Where `voicesplat serve` serves the demo avatar with one process; skips where there is no
    Chromium to look at it."""
    if chromium() is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    with serve_command(*options, "--port", "0", "--threads", "1") as (address, _):
        assert address.startswith("http://127.0.0.1:")
        yield address


@contextmanager
def serve_command(*options: str) -> Iterator[tuple[str, int]]:
    """The address that `voicesplat serve` prints for the demo avatar, and its process."""
    command = [sys.executable, "-m", "configs.cli", "serve", str(DEMO), "--no-browser", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[4].rstrip(";"), process.pid
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 128 + signal.SIGINT


@contextmanager
def studio_command(*options: str) -> Iterator[str]:
    """The address that `voicesplat studio` prints."""
    command = [sys.executable, "-m", "configs.cli", "studio", "--no-browser", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[4].rstrip(";")
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 128 + signal.SIGINT
