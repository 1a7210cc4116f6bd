import torch

from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.sound.mel import MEL_BANDS, MEL_HOP, log_mel, mel_filters


def tone(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return torch.sin(2 * torch.pi * hertz * time)


def test_a_hundred_steps_a_second():
    assert log_mel(torch.zeros(2, 16_000)).shape == (2, 100, MEL_BANDS)


def test_a_higher_tone_peaks_in_a_higher_band():
    bands = [int(log_mel(tone(f)).mean(0).argmax()) for f in (200, 500, 1000, 3000, 7000)]
    assert bands == sorted(set(bands))


def test_the_band_of_a_tone_is_the_one_whose_filter_is_highest_there():
    bin_1k = round(1000 / SAMPLE_RATE * 512)
    assert int(log_mel(tone(1000)).mean(0).argmax()) == int(mel_filters()[bin_1k].argmax())


def test_ten_times_the_amplitude_adds_the_logarithm_of_a_hundred():
    loud = log_mel(tone(1000)) - log_mel(0.1 * tone(1000))
    band = int(log_mel(tone(1000)).mean(0).argmax())
    torch.testing.assert_close(loud[10:-10, band], torch.full((80,), 4.60517), atol=1e-3, rtol=0)


def test_a_click_lies_in_the_step_around_it():
    audio = torch.zeros(16_000)
    audio[round(0.405 * SAMPLE_RATE)] = 1.0
    assert int(log_mel(audio).sum(-1).argmax()) == 40


def test_a_shift_by_whole_hops_shifts_the_steps():
    audio = torch.randn(16_000, generator=torch.Generator().manual_seed(0))
    shifted = torch.cat([torch.zeros(3 * MEL_HOP), audio])[:16_000]
    torch.testing.assert_close(log_mel(shifted)[5:-2], log_mel(audio)[2:-5])
