import pytest
import torch

from audio2mesh.sync.windows import (
    level_mel,
    mel_windows,
    motion_windows,
    speech_windows,
    window_frames,
)


def test_a_window_is_5_frames_at_25_fps_and_6_at_30():
    assert (window_frames(25), window_frames(30), window_frames(60)) == (5, 6, 12)


def test_windows_at_25_fps_are_the_frames_themselves():
    curves = torch.randn(3, 9, 2)
    windows = motion_windows(curves, 25)
    assert windows.shape == (3, 5, 5, 2)
    for w in range(5):
        torch.testing.assert_close(windows[:, w], curves[:, w : w + 5])


@pytest.mark.parametrize("fps", [24, 30, 50, 60])
def test_a_ramp_is_seen_alike_at_every_frame_rate(fps):
    seconds = (torch.arange(2 * fps) + 0.5) / fps
    windows = motion_windows(seconds[:, None], fps)[:, :, 0]  # [W, 5]
    starts = torch.arange(len(windows)) / fps
    step = window_frames(fps) / fps / 5
    wanted = starts[:, None] + (torch.arange(5) + 0.5) * step
    torch.testing.assert_close(windows, wanted, atol=0.001, rtol=0)


@pytest.mark.parametrize("fps", [25, 30])
def test_mel_windows_begin_with_their_frame(fps):
    steps = torch.arange(200.0)[:, None].expand(-1, 80)
    windows = mel_windows(steps, fps, 2 * fps - window_frames(fps) + 1)
    begins = torch.arange(len(windows)) * 100 / fps
    assert windows.shape[1:] == (20, 80)
    assert (windows[:, 0, 0] - begins).abs().max() <= 0.5
    torch.testing.assert_close(windows[:, -1] - windows[:, 0], torch.full((len(windows), 80), 19.0))


def test_levelled_mel_does_not_know_the_gain():
    mel = torch.randn(2, 300, 80) - 2
    torch.testing.assert_close(level_mel(mel), level_mel(mel + 1.5))


def test_silence_and_its_noise_are_no_speech():
    loud = torch.zeros(300, 80)
    loud[:200] = -11.5
    speech = speech_windows(mel_windows(level_mel(loud), 25, 70))
    assert not speech[:45].any()
    assert speech[51:].all()
    silent = level_mel(torch.full((300, 80), -11.5))
    assert not speech_windows(mel_windows(silent, 25, 70)).any()
