"""Sound files of every kind, made here with PyAV, and what waveform.py hears in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
from sounds import clicks, onsets, tone, write_sound

from audio2mesh.sound.waveform import (
    load_audio,
    probe_audio,
    stream_audio,
)

FILES = [  # name, codec, rate, channels
    ("u8.wav", "pcm_u8", 8_000, 1),
    ("s16.wav", "pcm_s16le", 44_100, 2),
    ("s24.wav", "pcm_s24le", 48_000, 2),
    ("s32.wav", "pcm_s32le", 22_050, 1),
    ("f32.wav", "pcm_f32le", 16_000, 1),
    ("f64.wav", "pcm_f64le", 96_000, 6),
    ("mulaw.wav", "pcm_mulaw", 8_000, 1),
    ("a.mp3", "libmp3lame", 44_100, 2),
    ("b.mp3", "libmp3lame", 24_000, 1),
    ("a.flac", "flac", 48_000, 2),
    ("b.flac", "flac", 192_000, 8),
    ("a.ogg", "libopus", 48_000, 1),
    ("b.ogg", "flac", 44_100, 2),
    ("a.opus", "libopus", 48_000, 2),
    ("a.m4a", "aac", 48_000, 2),
    ("b.m4a", "aac", 22_050, 1),
    ("c.m4a", "aac", 48_000, 6),
    ("d.m4a", "aac", 48_000, 8),
    ("a.webm", "libopus", 48_000, 2),
    ("a.mkv", "aac", 44_100, 2),
    ("a.aiff", "pcm_s16be", 32_000, 2),
    ("a.g722", "g722", 16_000, 1),
]

ABSENT_END_PADDING = {"a.mkv"}
"""Matroska as libav writes it does not tell how much of AAC's last frame is padding."""


@pytest.mark.parametrize(("name", "codec", "rate", "channels"), FILES)
def test_length_and_alignment_of_every_format(
    tmp_path: Path, name: str, codec: str, rate: int, channels: int
) -> None:
    path = write_sound(tmp_path / name, clicks(2.345, rate, channels), rate, codec)
    seconds = probe_audio(path)
    heard = load_audio(path)
    slack = 1024 / rate if name in ABSENT_END_PADDING else 1.5 / rate
    assert abs(seconds - 2.345) <= slack
    assert next(stream_audio(path, rate, mono=False)).shape[1] == min(channels, 2)
    assert abs(len(heard) - seconds * 16_000) <= 1
    assert heard.dtype == np.float32
    assert onsets(heard) == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.002)


@pytest.mark.parametrize(
    ("codec", "step"),
    [("pcm_u8", 2**-7), ("pcm_s16le", 2**-15), ("pcm_s24le", 2**-23), ("pcm_s32le", 2**-24),
     ("pcm_f32le", 2**-24), ("pcm_f64le", 2**-24)],
)  # fmt: skip
def test_samples_are_the_ones_written(tmp_path: Path, codec: str, step: float) -> None:
    ramp = np.linspace(-0.999, 0.99, 5000)[:, None]
    path = write_sound(tmp_path / "ramp.wav", ramp, 16_000, codec)
    np.testing.assert_allclose(load_audio(path), ramp[:, 0], atol=1.01 * step)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_keeps_the_tone_and_its_phase(tmp_path: Path, rate: int) -> None:
    path = write_sound(tmp_path / "tone.wav", tone(1.0, rate), rate, "pcm_f32le")
    heard = load_audio(path)
    assert len(heard) == 16_000
    np.testing.assert_allclose(heard[800:-800], tone(1.0, 16_000)[800:-800, 0], atol=1e-3)


def test_streaming_equals_resampling_in_one_piece(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (100_003, 1))
    path = write_sound(tmp_path / "noise.wav", noise, 44_100, "pcm_f32le")
    whole = soxr.resample(noise[:, 0].astype(np.float32), 44_100, 16_000, quality="HQ")
    blocks = list(stream_audio(path))
    assert len(blocks) > 3
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-5)


def test_mono_is_the_mean_and_stereo_stays_stereo(tmp_path: Path) -> None:
    sides = np.concatenate([tone(1.0, 48_000), -0.5 * tone(1.0, 48_000)], axis=1)
    path = write_sound(tmp_path / "sides.wav", sides, 48_000, "pcm_f32le")
    stereo = np.concatenate(list(stream_audio(path, 48_000, mono=False)))
    np.testing.assert_allclose(stereo, sides, atol=1e-6)
    np.testing.assert_allclose(load_audio(path, 48_000), sides.mean(axis=1), atol=1e-6)


def test_surround_is_mixed_down_by_place(tmp_path: Path) -> None:
    surround = np.zeros((4800, 6))  # FL FR FC LFE BL BR
    surround[:, 0], surround[:, 3] = 0.5, 0.9
    path = write_sound(tmp_path / "left.wav", surround, 48_000, "pcm_f32le")
    stereo = np.concatenate(list(stream_audio(path, 48_000, mono=False)))
    assert stereo.shape == (4800, 2)
    assert stereo[0, 0] == pytest.approx(0.5 / (1 + 2**0.5), abs=1e-5)
    assert np.abs(stereo[:, 1]).max() == 0.0
    everywhere = write_sound(tmp_path / "all.wav", np.full((4800, 6), 0.5), 48_000, "pcm_f32le")
    np.testing.assert_allclose(load_audio(everywhere, 48_000), 0.5, atol=1e-6)


def test_sound_louder_than_full_scale_is_clipped(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "loud.wav", 4 * tone(0.1, 16_000), 16_000, "pcm_f32le")
    assert np.abs(load_audio(path)).max() == 1.0


def test_a_video_with_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "v.mp4", clicks(2.2, 48_000, 2), 48_000, "aac", video=True)
    assert probe_audio(path) == pytest.approx(2.2, abs=1e-4)
    assert onsets(load_audio(path)) == pytest.approx([0.5, 1.0, 1.5, 2.0], abs=0.002)


def test_the_content_counts_and_not_the_extension(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(1.0, 44_100), 44_100, "flac")
    misnamed = path.rename(tmp_path / "a: 100%d.mp3")
    assert probe_audio(misnamed) == 1.0


def test_rate_and_channels_that_change_inside_a_file(tmp_path: Path) -> None:
    first = write_sound(tmp_path / "1.aac", tone(1.0, 22_050), 22_050, "aac")
    sides = np.repeat(tone(1.0, 44_100), 2, axis=1)
    second = write_sound(tmp_path / "2.aac", sides, 44_100, "aac")
    both = tmp_path / "both.aac"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    seconds = probe_audio(both)
    assert seconds == pytest.approx(2.0, abs=0.2)  # ADTS does not tell its padding
    heard = load_audio(both)
    assert len(heard) == pytest.approx(seconds * 16_000, abs=2)
    spectrum = np.abs(np.fft.rfft(heard[20_000:28_000] * np.hanning(8000)))
    assert np.argmax(spectrum) * 2 == 440


@pytest.mark.parametrize("samples", [1, 2, 100])
def test_very_short_sound(tmp_path: Path, samples: int) -> None:
    path = write_sound(tmp_path / "short.wav", np.full((samples, 1), 0.5), 48_000, "pcm_s16le")
    assert abs(len(load_audio(path)) - round(samples / 3)) <= 1


def test_silence_is_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "silence.wav", np.zeros((16_000, 1)), 16_000, "pcm_s16le")
    assert not load_audio(path).any()


def test_a_wav_whose_recorder_never_wrote_its_length(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "pipe.wav", tone(1.0, 16_000), 16_000, "pcm_s16le")
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert probe_audio(path) == 1.0


# ----------------------------------------------------------------------------- memory


MEASURE_MEMORY = """
import resource, sys
from audio2mesh.sound.waveform import probe_audio, stream_audio
def run(path):
    probe_audio(path)
    for rate, mono in ((16_000, True), (44_100, False)):
        for block in stream_audio(path, rate, mono):
            pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
short = run(sys.argv[1])
print(run(sys.argv[2]) - short)
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    second = np.random.default_rng(4).uniform(-0.01, 0.01, (48_000, 2))
    short = write_sound(tmp_path / "short.flac", np.tile(second, (5, 1)), 48_000, "flac")
    long = write_sound(tmp_path / "long.flac", np.tile(second, (120, 1)), 48_000, "flac")
    command = [sys.executable, "-c", MEASURE_MEMORY, str(short), str(long)]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 8  # MiB; the long sound itself is 46 MiB as float32
