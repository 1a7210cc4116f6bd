"""The page of a call in a headless Chromium whose microphone is a file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import microphone, tab
from shown_pages import serving

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
    with serving("--webrtc") as address:
        yield address


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
