"""A headless Chromium that is spoken to over two pipes in the protocol of its developer tools.

Only what tests need: open a page, run a script in it, hear its console and its requests.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soxr

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required", "--mute-audio"),
    *("--remote-debugging-pipe", "--no-first-run", "--disable-extensions", "--hide-scrollbars"),
)
LAUNCH = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
for place, pipe in zip((3, 4), pipes):
    os.dup2(pipe, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads from file 3 and writes to file 4."""


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Tab:
    """One page. Everything that it says or asks for is kept."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._numbers, self._held = to, back, itertools.count(1), b""
        self._session = ""
        self.said: list[str] = []  # errors and warnings
        self.requests: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{part}.enable")

    def size(self, width: int, height: int, ratio: float = 1.0, touch: bool = False) -> None:
        shape = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": touch}
        self._call("Emulation.setDeviceMetricsOverride", **shape)
        self._call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def open(self, address: str, ready: str = "ready") -> None:
        """Open a page and wait until its body says that it is ready."""
        self._call("Page.navigate", url=address)
        self.wait(f"document.body?.dataset.state === {json.dumps(ready)}")

    def wait(self, condition: str, seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, (condition, self.said)
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value of an expression; a promise is waited for."""
        settings = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        found = self._call("Runtime.evaluate", expression=script, **settings)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key: str, code: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key)

    def screenshot(self, path: Path) -> None:
        found = self._call("Page.captureScreenshot", format=path.suffix[1:].replace("jpg", "jpeg"))
        path.write_bytes(base64.b64decode(found["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self, seconds: float = 120.0) -> dict[str, Any]:
        while b"\0" not in self._held:
            assert select.select([self._back], [], [], seconds)[0], "Chromium does not answer"
            read = os.read(self._back, 2**20)
            assert read, "Chromium has ended"
            self._held += read
        text, _, self._held = self._held.partition(b"\0")
        message = json.loads(text)
        self._keep(message.get("method", ""), message.get("params", {}))
        return message

    def _keep(self, method: str, told: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                self.said.append(str(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.said.append(" ".join(str(part.get("value", part)) for part in told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.said.append(told["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])


@contextmanager
def tab(folder: Path, *flags: str) -> Iterator[Tab]:
    """A tab of a Chromium of its own, whose files lie in a folder; flags: more for its start."""
    path = chromium()
    assert path is not None
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()

    pipes = (str(to_read), str(back_write))
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *pipes, path, *FLAGS, *flags, f"--user-data-dir={folder}"],
        pass_fds=(to_read, back_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(back_write)
    try:
        yield Tab(to_write, back_read)
    finally:
        process.terminate()
        process.wait(20)
        os.close(to_write)
        os.close(back_read)


def microphone(folder: Path, voice: np.ndarray) -> tuple[str, ...]:
    """Flags for a browser that hears one second of silence, then a voice."""
    sound = soxr.resample(np.concatenate([np.zeros(16_000, np.float32), voice]), 16_000, 48_000)
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    fake = "--use-fake-device-for-media-stream"
    return (
        fake,
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}%noloop",
    )
