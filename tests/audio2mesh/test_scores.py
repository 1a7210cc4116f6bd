import numpy as np
import pytest
import torch

from audio2mesh.losses import lip_gap
from audio2mesh.motion import Motion
from audio2mesh.scores import deep_pauses, lag, lip_vertex_error, motion_scores


def _motion(curve: torch.Tensor) -> Motion:
    """Lower inner lip moving down by `curve` metres."""
    basis = torch.zeros(1, 12, 3)
    basis[0, 2:4, 1] = -1.0
    return Motion(curve[:, None], basis)


def _talk(frames: int = 250) -> tuple[torch.Tensor, np.ndarray]:
    """Mouth opening [F] at 25 fps and its sound: 3 s of speech, 2 s of pause, again and again."""
    t = (np.arange(frames) + 0.5) / 25
    speech = (t % 5) < 3
    opening = torch.from_numpy(0.01 * speech * np.sin(2 * np.pi * 2.3 * t) ** 2).float()
    rng = np.random.default_rng(0)
    audio = np.repeat(speech, 640) * rng.standard_normal(frames * 640) * 0.1
    return opening, audio.astype(np.float32)


def test_the_truth_scores_perfectly_and_stillness_does_not(face):
    opening, audio = _talk()
    true = _motion(opening)
    best = motion_scores(true, true, face, audio, 25)
    assert best["gap_correlation"] == pytest.approx(1.0)
    assert best["lve_ratio"] == 0 and best["lag_frames"] == 0 and best["pause_closure"] == 1
    assert best["amplitude"] == best["jitter_ratio"] == pytest.approx(1.0)
    halved = motion_scores(_motion(0.5 * opening), true, face, audio, 25)
    assert halved["lve_ratio"] == pytest.approx(0.25)
    assert halved["amplitude"] == pytest.approx(0.5, rel=1e-3)
    assert halved["jitter_ratio"] == pytest.approx(0.5, rel=1e-3)


def test_lag_has_the_sign_of_lateness():
    opening, _ = _talk()
    assert lag(opening.roll(3), opening) == 3
    assert lag(opening.roll(-2), opening) == -2


def test_lip_vertex_error_by_hand(face):
    true = _motion(torch.zeros(2))
    predicted = _motion(torch.tensor([0.002, 0.004]))
    assert lip_vertex_error(predicted, true, face) == pytest.approx((4 + 16) / 2, rel=1e-4)


def test_deep_pauses_leave_their_borders_out():
    _, audio = _talk()
    deep = deep_pauses(audio, 25, 250)
    centres = (np.flatnonzero(deep) + 0.5) / 25 % 5
    assert 3.14 < centres.min() < 3.2 and 4.8 < centres.max() < 4.86
    assert not deep_pauses(audio[: 3 * 16_000], 25, 75).any()


def test_a_mouth_that_hangs_open_in_pauses_is_found_out(face):
    opening, audio = _talk()
    scores = motion_scores(_motion(opening + 0.004), _motion(opening), face, audio, 25)
    assert scores["pause_closure"] == 0
    assert lip_gap(_motion(opening), face).max() == pytest.approx(0.01, rel=0.01)
