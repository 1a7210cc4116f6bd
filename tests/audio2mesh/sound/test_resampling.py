import numpy as np
import pytest

from audio2mesh.sound.resampling import resample_audio


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_a_tone_keeps_its_pitch_length_and_place(rate: int):
    def tone(samples_per_second: int) -> np.ndarray:
        t = np.arange(samples_per_second) / samples_per_second
        return (0.5 * np.sin(2 * np.pi * 440 * t) * np.exp(-20 * (t - 0.5) ** 2)).astype(np.float32)

    changed = resample_audio(tone(rate), rate, 16_000)
    assert abs(len(changed) - 16_000) <= 1
    assert np.abs(changed[:15_999] - tone(16_000)[:15_999]).max() < 2e-3
