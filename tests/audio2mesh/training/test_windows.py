from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import syllables, talking_clip, tiny_model

from audio2mesh.data.clips import clip_frames, find_pauses
from audio2mesh.model.motion import Motion
from audio2mesh.sound.mel import log_mel
from audio2mesh.training.options import AugmentOptions
from audio2mesh.training.windows import (
    WindowForm,
    cut_off,
    cut_window,
    deep_in_pauses,
    draw_windows,
    lone_stretch,
    quiet_window,
    shorten_pauses,
    spread,
    string_together,
)


def form(samples: int, outputs: int = 4) -> WindowForm:
    return WindowForm(samples, samples * 25 // 16_000, 25, outputs)


def clock(seconds: float, name: str = "clock", style: str = "a"):
    """A clip whose first coefficient tells the time, with syllables as its sound."""
    model = tiny_model()
    coefficients = torch.zeros(round(seconds * 100) + 1, 4)
    coefficients[:, 0] = torch.arange(len(coefficients)) / 100
    return replace(
        talking_clip(model, name),
        audio=syllables(seconds, seed=3)[0],
        motion=Motion(coefficients, model.basis),
        fps=100.0,
        style=style,
    )


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_windows_keep_sound_and_motion_together(speed):
    model = tiny_model()
    window = cut_window(talking_clip(model), 1.3, speed, form(80_000))
    level = np.sqrt(np.square(window.audio).reshape(-1, 640).mean(1))
    assert len(window.audio) == 80_000 and window.coefficients.shape == (125, 4)
    assert np.corrcoef(level, window.coefficients[:, 0])[0, 1] > 0.99


def test_windows_beyond_a_clip_are_silent_and_at_rest():
    clip = talking_clip(tiny_model(), seconds=4.0)
    window = cut_window(clip, 3.0, 1.0, form(48_000))
    assert not window.audio[16_000:].any() and not window.coefficients[25:].any()
    assert window.audio[:16_000].any()


def test_shortened_pauses_leave_speech_in_step():
    clip = talking_clip(tiny_model(), seconds=12.0)
    short = shorten_pauses(clip, np.random.default_rng(0))
    assert short.seconds < 0.9 * clip.seconds
    pauses = find_pauses(short.audio)
    assert (pauses[:, 1] - pauses[:, 0]).max() < 0.34
    frames = int(short.seconds * 25) - 1
    level = np.sqrt(np.square(short.audio[: frames * 640]).reshape(-1, 640).mean(1))
    motion = clip_frames(short, 25, frames)[:, 0]
    assert np.corrcoef(level, motion)[0, 1] > 0.98
    assert np.square(short.audio).sum() == pytest.approx(np.square(clip.audio).sum(), rel=0.01)


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.2])
@pytest.mark.parametrize("shortened", [False, True])
def test_windows_know_when_in_the_recording_they_were(speed: float, shortened: bool):
    """The motion tells the time of the recording, so the times must say the same."""
    clip = clock(12.0)
    if shortened:
        clip = shorten_pauses(clip, np.random.default_rng(1))
        assert clip.seconds < 11
    window = cut_window(clip, -0.5, speed, form(64_000))
    inside = ~window.times.isnan()
    assert float(window.times[-20:].diff().median()) * 25 == pytest.approx(speed, rel=0.01)
    outside = (torch.arange(100) + 0.5) * float(window.times[-20:].diff().median()) < 0.5
    assert torch.equal(~inside, outside) and window.clip == "clock"
    told = window.coefficients[inside, 0].double()
    assert (told - window.times[inside]).abs().quantile(0.9) < 0.002
    steps = window.times[inside].diff()
    assert ((steps - steps.median()).abs() < 1e-9).float().mean() > 0.9


def test_shortened_clips_hold_the_very_samples_that_they_name():
    clip = clock(12.0)
    short = shorten_pauses(clip, np.random.default_rng(1))
    assert short.kept is not None
    np.testing.assert_array_equal(short.audio, clip.audio[short.kept])


@pytest.mark.parametrize("shortened", [False, True])
def test_a_lone_stretch_holds_its_part_of_the_recording_and_silence_around(shortened: bool):
    clip = clock(12.0)
    source = shorten_pauses(clip, np.random.default_rng(1)) if shortened else clip
    stretch = lone_stretch(source, form(64_000), np.random.default_rng(2))
    assert 0.8 <= stretch.seconds < 4.0
    np.testing.assert_array_equal(stretch.audio, clip.audio[stretch.kept])
    window = cut_window(stretch, -0.1, 1.0, form(64_000))
    inside = ~window.times.isnan()
    assert 0 < inside.sum() < len(inside)
    assert not window.audio[round((stretch.seconds + 0.1) * 16_000) :].any()
    assert (window.coefficients[inside, 0] - window.times[inside]).abs().max() < 0.01


def test_the_mel_is_that_of_the_clean_sound():
    clip = clock(9.0)
    options = AugmentOptions(clean=0, alone=0, quiet=0, running=0, live=0, speed=0, noise=1.0)
    rng = np.random.default_rng(0)
    (window,) = draw_windows([clip], np.ones(1), 1, form(64_000), options, rng)
    start = round(float(window.times[50]) * 16_000 - 50.5 * 640)
    plain = torch.from_numpy(np.pad(clip.audio, 64_000)[start + 64_000 : start + 128_000])
    torch.testing.assert_close(window.mel[5:-5], log_mel(plain)[5:-5], atol=1e-3, rtol=1e-3)
    assert (window.mel - log_mel(torch.from_numpy(window.audio))).abs().mean() > 0.5


def test_clips_strung_together_keep_sound_and_motion_and_the_first_ones_times():
    one, two = clock(1.5, "one"), clock(2.0, "two")
    both = string_together([one, two], [0.2, 0.3])
    assert (both.name, both.seconds) == ("one", pytest.approx(4.0))
    np.testing.assert_array_equal(both.audio[:24_000], one.audio)
    np.testing.assert_array_equal(both.audio[27_200:59_200], two.audio)
    window = cut_window(both, 0.0, 1.0, form(64_000))
    wanted = torch.cat([clip_frames(one, 25, 37), torch.zeros(5, 4), clip_frames(two, 25, 50)])
    sound = [k for k in range(92) if k not in (36, 37, 41, 42, 43, 91)]  # away from the joints
    late = torch.zeros(100, 4)
    late[:37] = wanted[:37]
    centres = (torch.arange(100) + 0.5) / 25 - 1.7
    second = (centres > 0) & (centres < 2)
    late[second, 0] = centres[second]
    torch.testing.assert_close(window.coefficients[sound], late[sound], atol=2e-3, rtol=0)
    assert window.times[:37].isfinite().all() and window.times[38:].isnan().all()


def test_short_utterances_fill_a_window_with_others_in_their_style():
    clips = [clock(1.0, str(k), "ab"[k % 2]) for k in range(6)]
    options = AugmentOptions(quiet=0, running=0, live=0, clean=1.0, speed=0)
    windows = draw_windows(
        clips, np.full(6, 1 / 6), 12, form(64_000), options, np.random.default_rng(0)
    )
    heard = [window for window in windows if np.abs(window.audio).max() > 0]
    assert len(heard) >= 11 and {window.style for window in heard} == {"a", "b"}
    speech = [np.abs(window.audio[16_000:48_000]).mean() for window in heard]
    assert np.mean(speech) > 0.5 * np.abs(clips[0].audio).mean()


def test_windows_are_spread_by_weight():
    weights = np.array([0.5, 0.0, 0.3, 0.2])
    rng = np.random.default_rng(0)
    drawn = np.array([spread(weights, 7, rng) for _ in range(2000)])
    assert (drawn.sum(1) == 7).all() and (np.abs(drawn - 7 * weights) < 1).all()
    np.testing.assert_allclose(drawn.mean(0), 7 * weights, atol=0.05)


def test_quiet_windows_are_at_rest_and_come_from_nowhere():
    window = quiet_window(form(32_000), [syllables(3.0)[0]], np.random.default_rng(0))
    assert not window.coefficients.any() and window.times.isnan().all() and window.clip == ""
    assert window.mel.unique().numel() == 1


def test_sound_that_ends_early_hides_what_comes_after():
    window = cut_window(clock(9.0), 1.0, 1.0, form(64_000))
    cut = cut_off(window, 25, 2.0, 0.2)
    assert not cut.audio[32_000:].any()
    np.testing.assert_array_equal(cut.audio[:32_000], window.audio[:32_000])
    assert cut.heard.tolist() == [(f + 0.5) / 25 <= 1.8 for f in range(100)]
    assert torch.equal(cut.coefficients, window.coefficients) and torch.equal(cut.mel, window.mel)


def test_a_filmed_face_is_at_rest_deep_in_pauses():
    """A second of speech, two of silence, a second of speech."""
    speech = 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    audio = np.concatenate([speech, np.zeros(32_000, np.float32), speech])
    deep = deep_in_pauses(audio, form(len(audio)))
    assert not deep[:25].any() and not deep[75:].any()
    assert deep[31:66].all()
    clip = replace(talking_clip(tiny_model(), seconds=4.0), audio=audio)
    options = AugmentOptions(clean=1.0, alone=0.0, quiet=0.0, live=0.0, speed=0.0, running=0.0)
    for origin in ("tracked", "solved"):
        rng, some = np.random.default_rng(1), replace(clip, origin=origin)
        windows = list(draw_windows([some], np.ones(1), 4, form(len(audio)), options, rng))
        quiet = torch.stack([deep_in_pauses(window.audio, form(len(audio))) for window in windows])
        moved = torch.stack([window.coefficients for window in windows]).abs().amax(-1) > 0
        assert all(window.heard.all() for window in windows)
        assert moved[~quiet].any() and moved[quiet].any() == (origin == "solved")
