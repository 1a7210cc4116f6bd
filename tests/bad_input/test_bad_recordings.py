"""Recordings of sound and of face motion that cannot be used are told in one sentence."""

from pathlib import Path

import av
import numpy as np
import pytest
from support import ROOT, write_wav

from avatar.avatar_io.live_link import write_take


def test_no_such_audio(refuses, tmp_path: Path):
    refuses("gone.wav", "no such file", audio=tmp_path / "gone.wav")


def test_a_text_file_as_audio(refuses, tmp_path: Path):
    path = tmp_path / "notes.wav"
    path.write_text("Dear diary,\n")
    refuses("notes.wav", audio=path)


def test_a_video_without_sound(refuses, tmp_path: Path):
    path = tmp_path / "silent_film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for _ in range(5):
            picture = np.zeros((64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    refuses("silent_film.mp4", "audio", audio=path)


def test_a_recording_of_zero_length(refuses, tmp_path: Path):
    refuses("empty.wav", audio=write_wav(tmp_path / "empty.wav", np.zeros(0)))


def test_an_empty_file_as_audio(refuses, tmp_path: Path):
    path = tmp_path / "nothing.mp3"
    path.write_bytes(b"")
    refuses("nothing.mp3", audio=path)


def test_a_truncated_recording(refuses, tmp_path: Path):
    whole = (ROOT / "assets" / "demo_voice.flac").read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: len(whole) // 2])
    refuses("cut.flac", audio=path)


def test_a_recording_with_nan(refuses, voice: np.ndarray, tmp_path: Path):
    samples = voice[:16_000].copy()
    samples[8000] = np.nan
    refuses("nan.wav", audio=write_wav(tmp_path / "nan.wav", samples))


@pytest.fixture
def take_file(tmp_path: Path) -> Path:
    path = tmp_path / "take.csv"
    write_take(path, np.zeros((30, 52)), np.zeros((30, 3)), 30.0)
    return path


def test_no_such_take(refuses, tmp_path: Path):
    refuses("gone.csv", "no such file", arkit=tmp_path / "gone.csv", audio=None)


def test_nothing_that_moves_the_avatar(refuses):
    refuses("--audio", "--arkit", audio=None, out=None)
    refuses("--audio", "--arkit", audio=None)


def test_weights_beside_a_take(refuses, take_file: Path):
    weights = take_file.with_name("weights.safetensors")
    weights.write_bytes(b"")
    refuses("--weights", "--arkit", arkit=take_file, weights=weights)


def test_a_take_with_a_number_that_is_none(refuses, take_file: Path):
    lines = take_file.read_text().splitlines()
    lines[6] = lines[6].replace("0.00000000", "much", 1)
    take_file.write_text("\n".join(lines))
    refuses("take.csv", "line 7", "EyeBlinkLeft", "much", arkit=take_file, audio=None)


def test_a_take_that_is_a_recording(refuses, voice_file: Path):
    refuses(voice_file.name, "CSV", arkit=voice_file, audio=None)


def test_an_output_that_would_overwrite_the_take(refuses, take_file: Path):
    refuses("take.csv", ".npz", arkit=take_file, audio=None, save_motion=take_file)
