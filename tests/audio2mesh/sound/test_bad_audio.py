"""Recordings that cannot be read, each refused with one sentence."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from sounds import tone, write_sound
from support import write_wav

from audio2mesh.sound.waveform import (
    load_audio,
    probe_audio,
)
from common.errors import InputError


def complaint(path: Path, error: type[Exception] = InputError) -> str:
    """The one sentence with which both readers refuse a file."""
    with pytest.raises(error) as probed:
        probe_audio(path)
    with pytest.raises(error) as loaded:
        load_audio(path)
    assert str(probed.value) == str(loaded.value)
    assert path.name in str(probed.value)
    assert "\n" not in str(probed.value)
    return str(probed.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "no such file" in complaint(tmp_path / "none.wav", FileNotFoundError)
    assert "is a folder" in complaint(tmp_path)


@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text"])
def test_not_media(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("This is a letter and no recording.\n" * 40)
    assert "is not an audio or video file" in complaint(path)


def test_text_that_libav_can_draw(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("This is a letter and no recording.\n" * 40)
    assert "has no sound" in complaint(path)


def test_random_bytes(tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    path.write_bytes(np.random.default_rng(1).bytes(50_000))
    complaint(path)


def test_picture_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 64
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    assert "has no sound" in complaint(path)


def test_sound_in_an_unknown_codec(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "future.wav", tone(1.0, 16_000)[:, 0])
    header = bytearray(path.read_bytes())
    header[20:22] = b"\xfe\xfe"  # the format tag; 3 is float
    path.write_bytes(header)
    assert "no decoder" in complaint(path)


@pytest.mark.parametrize("length", [b"xx:yy:zz", b"::::::::", b"99999999", b"\xff\xff\xff\xff0000"])
def test_a_length_that_is_none_counts_as_not_stated(tmp_path: Path, length: bytes) -> None:
    path = write_sound(tmp_path / "a.mkv", tone(1.0, 48_000), 48_000, "aac")
    stated = path.read_bytes()
    assert stated.count(b"00:00:01.") == 1
    path.write_bytes(stated.replace(b"00:00:01", length))
    assert probe_audio(path) == pytest.approx(1.0, abs=0.05)


def test_empty_file_and_zero_length(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    assert "is empty" in complaint(empty)
    path = tmp_path / "none.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"")
    assert "zero length" in complaint(path)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s24le"), ("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.ogg", "libopus"),
     ("b.ogg", "flac"), ("a.m4a", "aac"), ("a.webm", "libopus"), ("a.mkv", "aac"),
     ("a.aac", "aac")],
)  # fmt: skip
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_truncated(tmp_path: Path, name: str, codec: str, kept: float) -> None:
    noise = np.random.default_rng(2).uniform(-0.3, 0.3, (96_000, 2))
    path = write_sound(tmp_path / name, noise, 48_000, codec)
    probe_audio(path)
    os.truncate(path, int(path.stat().st_size * kept))
    assert "cut off" in complaint(path)


def test_truncated_video_with_its_index_in_front(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        for start in range(0, 96_000, 1024):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1024), 0.1, np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    os.truncate(path, int(path.stat().st_size * 0.9))
    assert "cut off" in complaint(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
def test_samples_that_are_no_numbers(tmp_path: Path, value: float, codec: str) -> None:
    sound = tone(1.0, 16_000)
    sound[8000] = value
    path = write_sound(tmp_path / "bad.wav", sound, 16_000, codec)
    assert "NaN or infinite samples from 0.50 s" in complaint(path)
