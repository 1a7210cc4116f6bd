from dataclasses import replace

import numpy as np
import pytest
import torch
from speech_models import VERTICES, syllables, talking_clip, tiny_model
from support import write_wav

from audio2mesh.clips import (
    FaceUnits,
    clip_frames,
    common_basis,
    cut_window,
    find_pauses,
    load_clips,
    on_basis,
    shorten_pauses,
)

UNITS = FaceUnits(("jawOpen", "mouthPucker"), 0.01 * torch.randn(2, VERTICES, 3))
REST = torch.randn(VERTICES, 3)


def _write(folder, name, **arrays):
    np.savez(folder / f"{name}.npz", **arrays)
    write_wav(folder / f"{name}.wav", syllables(2.0)[0])


def test_both_kinds_of_clips_are_read(tmp_path):
    weights = np.random.default_rng(0).random((60, 2), np.float32)
    names = np.array(["mouthPucker", "jawOpen"])
    _write(tmp_path, "a", arkit=weights, arkit_names=names, fps=30, sync_lag_ms=20.0)
    offsets = torch.from_numpy(weights) @ UNITS.offsets[[1, 0]].flatten(1)
    offsets = offsets.unflatten(1, (-1, 3))
    template = REST + 0.1
    _write(tmp_path, "b", vertices=(template + offsets).numpy(), template=template.numpy(), fps=30)
    a, b = load_clips(tmp_path, UNITS, REST)
    assert (a.name, a.style, a.fps, a.lag) == ("a", "a", 30, 0.02)
    assert a.seconds == pytest.approx(2.0)
    torch.testing.assert_close(a.motion.offsets(), offsets)
    torch.testing.assert_close(b.motion.offsets(), offsets, atol=1e-5, rtol=1e-3)
    basis = common_basis([a, b])
    torch.testing.assert_close(on_basis(a, basis).motion.offsets(), offsets, atol=1e-5, rtol=1e-3)


def test_bad_clips_are_named(tmp_path):
    with pytest.raises(ValueError, match="no speech-motion clips"):
        load_clips(tmp_path, UNITS, REST)
    for arrays, match in (
        ({"arkit": np.zeros((3, 1))}, "frame rate"),
        ({"fps": 30}, "neither `arkit`"),
        ({"fps": 30, "arkit": np.zeros((3, 1)), "arkit_names": ["wings"]}, "named wings"),
        ({"fps": 30, "vertices": np.zeros((3, 5, 3))}, "5 vertices, the head 12"),
    ):
        _write(tmp_path, "bad", **arrays)
        with pytest.raises(ValueError, match=match):
            load_clips(tmp_path, UNITS, REST)
    (tmp_path / "bad.wav").unlink()
    with pytest.raises(ValueError, match="no recording"):
        load_clips(tmp_path, UNITS, REST)


def test_lag_shifts_the_motion_against_the_sound():
    clip = talking_clip(tiny_model())
    late = replace(clip, lag=0.2)
    torch.testing.assert_close(clip_frames(late, 25, 200)[:-10], clip_frames(clip, 25, 205)[5:-10])


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_windows_keep_sound_and_motion_together(speed):
    model = tiny_model()
    window = cut_window(talking_clip(model), 1.3, speed, 80_000, 25)
    level = np.sqrt(np.square(window.audio).reshape(-1, 640).mean(1))
    assert len(window.audio) == 80_000 and window.coefficients.shape == (125, 4)
    assert np.corrcoef(level, window.coefficients[:, 0])[0, 1] > 0.99


def test_windows_beyond_a_clip_are_silent_and_at_rest():
    clip = talking_clip(tiny_model(), seconds=4.0)
    window = cut_window(clip, 3.0, 1.0, 48_000, 25)
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


def test_phones_and_origin_are_read(tmp_path):
    phones = {"phone_labels": ["SIL", "M"], "phone_times": [[0.0, 0.1], [0.1, 0.2]]}
    motion = {"fps": 30, "arkit": np.zeros((60, 1)), "arkit_names": ["jawOpen"]}
    _write(tmp_path, "a", **motion, **phones, origin="modelled")
    _write(tmp_path, "b", **motion)
    a, b = load_clips(tmp_path, UNITS, REST)
    assert [phone.label for phone in a.phones] == ["SIL", "M"] and a.origin == "modelled"
    assert b.phones == () and b.origin == "captured"
    _write(tmp_path, "a", **motion, origin="guessed")
    with pytest.raises(ValueError, match=r"a\.npz: origin 'guessed'"):
        load_clips(tmp_path, UNITS, REST)
    _write(tmp_path, "a", **motion, **{**phones, "phone_labels": ["SIL", "XX"]})
    with pytest.raises(ValueError, match=r"a\.npz: 'XX'"):
        load_clips(tmp_path, UNITS, REST)
