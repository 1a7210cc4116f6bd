"""The page of a call in a headless Chromium whose microphone is a file."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import chromium, microphone, tab
from shown_pages import DEMO
from support import ROOT

pytestmark = pytest.mark.slow
pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
LIPS = """(() => {
  const video = document.getElementById('video'), canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  window.kept = [];
  const look = () => {
    context.drawImage(video, 0, 0, 64, 64);
    kept.push(Array.from(context.getImageData(0, 0, 64, 64).data));
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
})()"""


@pytest.fixture
def address() -> Iterator[str]:
    """Where the command answers calls for the demo avatar."""
    if chromium() is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    words = ("serve", str(DEMO), "--webrtc", "--port", "0", "--no-browser", "--threads", "1")
    command = [sys.executable, "-m", "configs.cli", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("the page is at http://127.0.0.1:")
        yield line.split()[4].rstrip(";")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 128 + signal.SIGINT


def test_a_call_shows_what_is_said(address: str, tmp_path: Path, voice: np.ndarray):
    with tab(tmp_path / "browser", *microphone(tmp_path, voice[: 8 * 16_000])) as opened:
        opened.size(640, 640)
        opened.open(address + "video")
        opened.run(LIPS)
        opened.run("document.getElementById('play').click()")
        opened.wait("kept.length >= 25")
        assert opened.run("document.getElementById('status').textContent") == "Listening"
        assert opened.run("[video.videoWidth, video.videoHeight, video.muted]") == [512, 512, True]
        opened.run("document.getElementById('sound').click()")
        assert opened.run("video.muted") is False
        pictures = np.array(opened.run("kept.slice(0, 25)"), float).reshape(-1, 64, 64, 4)
        assert pictures[0, ..., :3].std() > 20  # a face
        assert np.abs(pictures[-10:] - pictures[-1]).max() > 20  # that moves
        opened.run("document.getElementById('play').click()")
        assert opened.run("document.body.dataset.playing") == "false"
        assert opened.said == []
        mine = {address + "video", address.replace("http", "ws") + "call"}
        assert {r for r in opened.requests if not r.startswith(("blob:", "data:"))} <= mine
