"""The live page in a headless Chromium whose microphone is a file."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from chromium import Tab, microphone, tab
from shown_pages import serving
from support import write_wav

from audio2mesh import load_model
from audio2mesh.model.motion import sample_curves
from audio2mesh.model.stream import stream_coefficients
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry

pytestmark = pytest.mark.slow
SPOKEN = 6 * 16_000
MOUTH = len(load_model().basis)  # the first columns of a row
KEEP = """(() => {
  window.got = [];
  const take = viewer.motion.take.bind(viewer.motion);
  viewer.motion.take = (message) => {
    const seconds = take(message), { context, begun } = viewer.clock;
    got.push([Array.from(new Float32Array(message, 16)), context.currentTime - begun - seconds]);
    return seconds;
  };
})()"""


PATIENT = """(() => {
  window.asked = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (said) {
    if (typeof said === 'string') asked.push(said);
    else send.call(this, said);
  };
})()"""
"""Of a page that does not ask to be kept up with, so that a busy machine skips nothing."""
PIECE = """(() => {
  window.piece = (frame, value) => {
    const width = viewer.motion.width + 7, bytes = new ArrayBuffer(16 + 4 * width);
    const view = new DataView(bytes);
    view.setUint8(0, 0x81), view.setUint16(2, 1, true);
    view.setBigInt64(8, BigInt(640 * frame), true);
    new Float32Array(bytes, 16).fill(value);
    return bytes;
  };
})()"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the command serves the demo avatar, to one client at a time."""
    with serving("--sessions", "1") as address:
        yield address


@contextmanager
def page(address: str, folder: Path, *flags: str) -> Iterator[Tab]:
    with tab(folder / "browser", *flags) as opened:
        opened.size(160, 120)
        opened.open(address)
        yield opened


def try_until(opened: Tab, script: str, condition: str) -> None:
    """Begin a session again and again, as the one before may not have left the only place yet."""
    opened.wait(f"{condition} || (viewer.clock.state === 'idle' && {script}, false)")


def lip_correlation(live: np.ndarray, voice: np.ndarray) -> float:
    """Of the lips' motion by live coefficients [F, K] with the offline one of a voice, at the shift
    in time at which they agree best."""
    model, lips = load_model(), face_geometry(load_head()).lips
    offline = np.concatenate([c.numpy() for c in stream_coefficients(model, [voice])])
    moved = model.basis[:, lips].flatten(1).numpy()  # [K, 3 L]
    places = np.arange(5, len(offline) - 5)
    expected = offline[places] @ moved
    best = -1.0
    for shift in np.arange(0, len(live) - len(offline) + 1, 0.1):
        curves = sample_curves(torch_of(live), torch_of(places + shift)).numpy()
        best = max(best, correlation(curves @ moved, expected))
    return best


def torch_of(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float64))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(0), b - b.mean(0)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def received(opened: Tab) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients [F, K] that came, and how late, in seconds, each of the pieces was."""
    width = opened.run("viewer.motion.width") + 7
    pieces = opened.run("got")
    rows = np.concatenate([np.array(piece, np.float32).reshape(-1, width) for piece, _ in pieces])
    return rows[:, :MOUTH], np.array([late for _, late in pieces])


def test_a_microphone_moves_the_lips(address: str, tmp_path: Path, voice: np.ndarray):
    """In one of two takes: browsers on busy machines lose pieces of sound."""
    said = voice[:SPOKEN]
    takes = (heard_coefficients(address, tmp_path / take, said) for take in ("one", "two"))
    assert any(lip_correlation(coefficients, said) >= 0.95 for coefficients in takes)


def heard_coefficients(address: str, folder: Path, said: np.ndarray) -> np.ndarray:
    """The page's motion [F, K] for what is said into a microphone."""
    folder.mkdir()
    with page(address, folder, *microphone(folder, said)) as opened:
        opened.run(KEEP)
        opened.run(PATIENT)
        opened.run("document.getElementById('play').click()")
        opened.wait("viewer.motion.end > 205")  # it says 150 frames after the first second
        assert opened.run("asked") == ['{"type": "keep-up", "behind": 0.8}']
        assert opened.run("document.getElementById('status').textContent").startswith("Listening, ")
        behind = opened.run("viewer.clock.delay")
        opened.run("document.getElementById('play').click()")
        opened.wait("!viewer.clock.playing")
        coefficients, late = received(opened)
        assert np.quantile(late, 0.25) <= 0.6, (late, behind)
        mouth = opened.run(f"viewer.motion.row(9).slice(0, {MOUTH})")
        assert max(abs(value) for value in mouth.values()) < 1e-6
        assert opened.said == []
        mine = {address, address.replace("http", "ws").rstrip("/") + "/live"}
        asked = {r for r in opened.requests if not r.startswith(("blob:", "data:"))}
        assert asked <= mine
        return coefficients


def test_a_stopped_mouth_is_shut_in_time(address: str, tmp_path: Path, voice: np.ndarray):
    with page(address, tmp_path, *microphone(tmp_path, voice[:SPOKEN])) as opened:
        opened.run("document.getElementById('play').click()")
        opened.wait(
            "viewer.motion.end > 60 && Math.abs(viewer.motion.row(viewer.clock.time)[0]) > 0.2"
        )
        opened.run("document.getElementById('play').click()")
        shut = opened.run(f"viewer.motion.row(0.15 + 0.5 / 25).slice(0, {MOUTH})")
        assert max(abs(value) for value in shut.values()) < 1e-6


def test_what_the_server_skipped_is_bridged_and_told(address: str, tmp_path: Path):
    with page(address, tmp_path) as opened:
        opened.run(PIECE)
        opened.run("[[0, 0.25], [1, 0.5], [9, 1]].map(([f, v]) => viewer.motion.take(piece(f, v)))")
        rows = opened.run("[0, 1, 5, 8, 9].map((f) => viewer.motion.row((f + 0.5) / 25)[0])")
        assert rows == [0.25, 0.5, 0.5, 0.5, 1]
        opened.run("viewer.motion.take(piece(9 + 3 * 4096, 2))")
        assert opened.run("viewer.motion.row(9999)[0]") == 2
        assert opened.run("viewer.motion.first + 4096 === viewer.motion.end")
        opened.run("Object.assign(viewer.clock, { delay: 1, skipped: performance.now() })")
        assert "words are skipped" in opened.run("viewer.clock.pace()")
        opened.run("viewer.clock.skipped = -Infinity")
        assert opened.run("viewer.clock.pace()") == "Listening, 1.0\u00a0s behind"


def test_a_recording_is_heard_and_said(address: str, tmp_path: Path, voice: np.ndarray):
    said = voice[: 3 * 16_000]
    sound = base64.b64encode(write_wav(tmp_path / "voice.wav", said).read_bytes()).decode()
    with page(address, tmp_path) as opened:
        opened.run(KEEP)
        drop = (
            f"(async () => {{ const bytes = Uint8Array.from(atob('{sound}'), c => c.charCodeAt(0));"
            "const files = new DataTransfer(); files.items.add(new File([bytes], 'voice.wav'));"
            "document.dispatchEvent(new DragEvent('drop', { dataTransfer: files })); })()"
        )
        opened.run(drop)
        opened.wait("viewer.clock.state === 'playing'")
        assert opened.run("viewer.clock.text") == "voice.wav"
        apart = opened.run(
            "viewer.clock.time - (viewer.clock.context.currentTime - viewer.clock.begun)"
        )
        assert abs(apart) < 0.02
        opened.wait("viewer.clock.state === 'idle'")
        coefficients, _ = received(opened)
        assert len(coefficients) == 75 and lip_correlation(coefficients, said) >= 0.9
        assert opened.said == []


def test_it_stops_speaking_when_somebody_else_speaks(
    address: str, tmp_path: Path, voice: np.ndarray
):
    said = base64.b64encode(write_wav(tmp_path / "said.wav", voice[:SPOKEN]).read_bytes()).decode()
    rest = f"viewer.motion.row(viewer.clock.time).slice(0, {MOUTH})"
    with page(address, tmp_path, *microphone(tmp_path, voice[:SPOKEN])) as opened:
        opened.run(PATIENT.replace("else send", "send"))
        opened.run("viewer.clock.hears = true")
        opened.run(
            f"viewer.clock.play(new File([Uint8Array.from(atob('{said}'), c => c.charCodeAt(0))],"
            "'said.wav'))"
        )
        opened.wait("viewer.clock.state === 'playing'")
        opened.wait("viewer.clock.state === 'attending'")
        (told,) = [json.loads(text) for text in opened.run("asked") if "interrupt" in text]
        assert told["turn"] == 0 and 0 <= told["heard"] < SPOKEN
        opened.wait(
            "viewer.clock.late.length >= 20"
        )  # it listens: frames come, soon after the sound
        assert max(abs(value) for value in opened.run(rest).values()) < 1e-6
        opened.run("document.getElementById('earButton').click()")
        assert opened.run("viewer.clock.state") == "idle"
        assert opened.run("document.getElementById('earButton').ariaPressed") == "false"
        assert opened.said == []


def test_what_goes_wrong_is_told(address: str, tmp_path: Path):
    status = "document.getElementById('status').textContent"
    with page(address, tmp_path, "--deny-permission-prompts") as opened:
        opened.run("document.getElementById('play').click()")
        opened.wait("viewer.clock.wrong")
        assert "microphone" in opened.run(status)
        nonsense = "viewer.clock.play(new File(['nonsense'], 'x.wav'))"
        try_until(opened, nonsense, f"{status}.startsWith('x.wav: holds no sound')")
        try_until(opened, "viewer.clock.begin('', () => {})", "viewer.clock.socket?.welcomed")
        other = "window.other = new WebSocket(viewer.clock.socket.url)"
        opened.run(f"({other}, other.onmessage = (e) => (window.told = e.data), 0)")
        opened.wait("window.told")
        assert "all 1 sessions are taken" in opened.run("told")
