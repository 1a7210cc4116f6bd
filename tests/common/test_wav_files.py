"""Recordings that were written are read again."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from common.wav_files import write_wav


def test_what_is_too_loud_is_clipped(tmp_path: Path):
    write_wav(tmp_path / "a.wav", np.array([0, 0.25, 1.2, -1.2, -1]), 16_000)
    rate, samples = wavfile.read(tmp_path / "a.wav")
    assert rate == 16_000 and samples.dtype == np.int16
    assert samples.tolist() == [0, 8192, 32767, -32767, -32767]


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_stay_apart(tmp_path: Path, channels: int):
    sound = np.random.default_rng(0).uniform(-1, 1, (50, channels)).astype(np.float32)
    write_wav(tmp_path / "a.wav", sound, 48_000)
    rate, samples = wavfile.read(tmp_path / "a.wav")
    assert rate == 48_000
    assert samples.reshape(50, channels) / 32767 == pytest.approx(sound, abs=1 / 32767)


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path):
    with pytest.raises(OSError, match="gone"):
        write_wav(tmp_path / "gone" / "a.wav", np.zeros(3), 16_000)
    assert not list(tmp_path.iterdir())
